"""Answers as objects: how the model is asked for them, and who reads them."""

from __future__ import annotations

from operator import itemgetter
from typing import Any, Literal, TypeAlias

from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.openai_tools import JsonOutputKeyToolsParser, PydanticToolsParser
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass

from ...core.errors import ConfigError
from .tools import Json, format_of

Method: TypeAlias = Literal["function_calling", "json_schema", "json_mode"]


def asked(schema: Any, method: Method, strict: bool | None) -> Json:
    """What to bind to a model; `tools`, if it is there, with their choice. ConfigError for a wrong method."""
    shown = None if schema is None else convert_to_openai_tool(schema)
    told = {"ls_structured_output_format": {"kwargs": {"method": method, "strict": strict}, "schema": shown}}
    if method == "json_mode":
        if strict is not None:
            raise ConfigError("strict does not go with json_mode, which has no schema to keep to")
        return {**told, "response_format": {"type": "json_object"}}
    if shown is None:
        raise ConfigError(f"{method} needs a schema")
    if method == "json_schema":
        return {**told, "response_format": format_of(schema, strict)}
    if method == "function_calling":
        name = shown["function"]["name"]
        return {**told, "tools": [schema], "tool_choice": name, "strict": strict}
    raise ConfigError(f"Unknown method {method!r}: function_calling, json_schema or json_mode")


def parser(schema: Any, method: Method) -> Runnable[Any, Any]:
    """From the model's message to the object: of the schema's class if it is pydantic's, else a dict."""
    is_class = isinstance(schema, type) and is_basemodel_subclass(schema)
    if method != "function_calling":
        return PydanticOutputParser(pydantic_object=schema) if is_class else JsonOutputParser()
    if is_class:
        return PydanticToolsParser(tools=[schema], first_tool_only=True)
    name = convert_to_openai_tool(schema)["function"]["name"]
    return JsonOutputKeyToolsParser(key_name=name, first_tool_only=True)


def with_raw(model: Runnable[Any, Any], read: Runnable[Any, Any]) -> Runnable[Any, Any]:
    """The message as `raw`, the object as `parsed`, and what went wrong in reading as `parsing_error`."""
    parsed = RunnablePassthrough.assign(parsed=itemgetter("raw") | read, parsing_error=lambda _: None)
    failed = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=model) | parsed.with_fallbacks([failed], exception_key="parsing_error")
