"""Tools, their choice, and the wanted form of an answer, in the words that `bind` keeps and calls take.

What is bound is plain JSON in the form of OpenAI's API, as LangChain's tracing and agents expect it, whoever
serves the model; tools in another API's own form, such as those that a provider runs, are kept as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_function, convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass

from ...core.errors import ConfigError
from ...unified.schemas import Schema, schema_of

Json = dict[str, Any]
ToolLike = Mapping[str, Any] | type | Callable[..., Any] | BaseTool


def tool_of(given: ToolLike, strict: bool | None, provider: str) -> Json:
    """A tool as plain JSON for a provider."""
    if isinstance(given, Mapping) and _is_native(given, provider):
        return dict(given)
    made: Json = convert_to_openai_tool(given, strict=strict)
    return made


def _is_native(given: Mapping[str, Any], provider: str) -> bool:
    """Whether a dict is in the API's own form already; a JSON schema of an object is not."""
    if "input_schema" in given:
        return provider == "anthropic"
    return given.get("type") not in (None, "function", "object")


def choice_of(choice: str | bool | Mapping[str, Any] | None) -> Any:
    """ "auto", "none", "any", a tool's name, None for the provider's default; in whatever form it came."""
    if isinstance(choice, bool):
        return "any" if choice else None
    if not isinstance(choice, Mapping):
        return "any" if choice == "required" else choice
    match choice:
        case {"function": {"name": str(name)}} | {"type": "tool", "name": str(name)}:
            return name
        case {"type": "auto" | "any" | "none" as word, **rest} if not rest:
            return word
    return dict(choice)  # a provider's own, which it gets as it is


def format_of(schema: Any, strict: bool | None) -> Json:
    """The `response_format` that asks for a schema; without `strict`, as strict as it allows."""
    if isinstance(schema, type) and is_basemodel_subclass(schema) and hasattr(schema, "model_json_schema"):
        closed = schema_of(schema)
        return _format(closed.name, closed.to_dict(), closed.strict if strict is None else strict)
    made = convert_to_openai_function(schema, strict=True if strict else None)
    described = {"description": made["description"]} if made.get("description") else {}
    form = {**described, **made.get("parameters", {"type": "object", "properties": {}})}
    return _format(made["name"], form, strict)


def _format(name: str, schema: Json, strict: bool | None) -> Json:
    told = {} if strict is None else {"strict": strict}
    return {"type": "json_schema", "json_schema": {"name": name, "schema": schema, **told}}


def form_parameters(wanted: Mapping[str, Any]) -> Json:
    """The parameters of a call that a `response_format` means."""
    match wanted:
        case {
            "type": "json_schema",
            "json_schema": {"name": str(name), "schema": Mapping() as schema, **rest},
        }:
            strict = rest.get("strict")
            named = {**schema, "title": name}
            return {"schema": named if strict is None else Schema(name, schema, bool(strict))}
        case {"type": "json_object"}:
            return {"json": True}
        case {"type": "text"}:
            return {}
    raise ConfigError("response_format must be of type json_schema, json_object or text")
