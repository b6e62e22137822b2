"""Tools that a model may call: functions with annotations, dicts of any provider's form, or `Tool`s."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from ..core.errors import ConfigError
from .schemas import json_schema

_ARGUMENT = re.compile(r"^\s+(\w+)(?: \([^)]*\))?: (.+)$")


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: name, description, and the JSON schema of its arguments; `strict` asks for just that form."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})
    strict: bool | None = None
    function: Callable[..., Any] | None = field(default=None, repr=False)

    def __call__(self, arguments: Mapping[str, Any]) -> Any:
        """What its function gives for the arguments of a call; ConfigError if it has none."""
        if self.function is None:
            raise ConfigError(f"The tool {self.name} has no function: run it yourself")
        return self.function(**arguments)


@dataclass(frozen=True, slots=True)
class NativeTool:
    """A tool in the provider's own form, such as one that the provider runs."""

    value: Mapping[str, Any]


def tool_of(given: Any) -> Tool | NativeTool:
    """The tool that an entry of `tools` means."""
    if isinstance(given, (Tool, NativeTool)):
        return given
    if isinstance(given, Mapping):
        return _from_dict(given)
    if isinstance(given, type):
        return Tool(given.__name__, _summary(given), json_schema(given))
    if callable(given):
        return _from_function(given)
    raise ConfigError(f"tools: expected functions, dicts or Tool objects, found {type(given).__name__}")


def _from_dict(given: Mapping[str, Any]) -> Tool | NativeTool:
    function = given.get("function")
    if isinstance(function, Mapping):
        given, key = function, "parameters"
    else:
        key = "input_schema" if "input_schema" in given else "parameters"
    if "name" not in given or (key not in given and given.get("type") not in (None, "function", "custom")):
        return NativeTool(given)
    known = {"type", "name", "description", "strict", key}
    if given.keys() - known:
        return NativeTool(given)  # fields of one provider, such as cache_control
    empty = {"type": "object", "properties": {}}
    return Tool(given["name"], given.get("description") or "", given.get(key) or empty, given.get("strict"))


def _from_function(function: Callable[..., Any]) -> Tool:
    import msgspec

    name = function.__name__
    hints = get_type_hints(function, include_extras=True)
    notes = dict(_notes(function))
    fields: list[Any] = []
    for one in inspect.signature(function).parameters.values():
        if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD, one.POSITIONAL_ONLY):
            raise ConfigError(f"The tool {name} needs named parameters; {one} is none")
        kind = _described(hints.get(one.name, Any), notes.get(one.name))
        fields.append((one.name, kind) if one.default is one.empty else (one.name, kind, one.default))
    try:
        made = msgspec.defstruct(name, fields, kw_only=True)
        schema = json_schema(made)
    except TypeError as error:
        raise ConfigError(f"The tool {name} has a parameter without a JSON schema: {error}") from None
    schema.pop("title", None)
    return Tool(name, _summary(function), schema, function=function)


def _described(kind: Any, note: str | None) -> Any:
    """The type with its description: the text in its `Annotated`, else the docstring's."""
    import msgspec

    if get_origin(kind) is Annotated:
        texts = [one for one in get_args(kind)[1:] if isinstance(one, str)]
        note = texts[0] if texts else note
        kind = get_args(kind)[0] if texts else kind
    return Annotated[kind, msgspec.Meta(description=note)] if note else kind


def _summary(made: Any) -> str:
    text = inspect.getdoc(made) or ""
    return " ".join(text.partition("\n\n")[0].split())


def _notes(function: Callable[..., Any]) -> list[tuple[str, str]]:
    """What the docstring says of each parameter under `Args:`."""
    _, _, told = (inspect.getdoc(function) or "").partition("Args:\n")
    lines = told.partition("\n\n")[0].splitlines()
    return [(found[1], found[2].strip()) for line in lines if (found := _ARGUMENT.match(line))]
