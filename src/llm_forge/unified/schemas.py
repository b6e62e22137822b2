"""The JSON that an answer must be: from a JSON schema, a dataclass, a msgspec Struct or a pydantic model.

Of classes the schema is closed: every object lists all its fields and takes no others, which is what
providers ask of schemas that they guarantee. A schema that you give as a dict is sent as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..core.codec import JsonError, decode
from ..core.errors import ConfigError, InvalidResponseError

if TYPE_CHECKING:
    from .reply import Reply

_NAME = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Schema:
    """A JSON schema, its name, and the class that its answers become; `strict`: it is closed everywhere."""

    name: str
    schema: Mapping[str, Any]
    strict: bool
    made: Any = field(default=None, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The JSON schema."""
        return dict(self.schema)


def schema_of(wanted: Any) -> Schema:
    """The schema that a call's `schema` means; ConfigError for what is none."""
    if isinstance(wanted, Schema):
        return wanted
    if isinstance(wanted, Mapping):
        return Schema(_name(str(wanted.get("title") or "answer")), wanted, _is_closed(wanted))
    name = _name(getattr(wanted, "__name__", "answer"))
    schema = _closed(json_schema(wanted))
    return Schema(name, schema, _is_closed(schema), wanted)


def json_schema(made: Any) -> dict[str, Any]:
    """The JSON schema of a class or type."""
    if hasattr(made, "model_json_schema"):
        schema: dict[str, Any] = made.model_json_schema()
        return schema
    import msgspec

    try:
        schema = msgspec.json.schema(made)
    except TypeError as error:
        raise ConfigError(f"schema: {made!r} has no JSON schema: {error}") from None
    return _unwrapped(schema)


def _unwrapped(schema: dict[str, Any]) -> dict[str, Any]:
    """A root that only refers to a definition becomes that definition; others it refers to stay."""
    name = schema.get("$ref", "").removeprefix("#/$defs/")
    definitions = schema.get("$defs", {})
    if name not in definitions:
        return schema
    rest = {key: value for key, value in definitions.items() if key != name or _refers(definitions, name)}
    return {**definitions[name], **({"$defs": rest} if rest else {})}


def _refers(value: Any, name: str) -> bool:
    if isinstance(value, Mapping):
        return value.get("$ref") == f"#/$defs/{name}" or any(_refers(one, name) for one in value.values())
    return isinstance(value, list) and any(_refers(one, name) for one in value)


def _name(text: str) -> str:
    return _NAME.sub("_", text)[:64] or "answer"


def _closed(schema: Any) -> Any:
    """The schema whose objects require all their properties and take no others."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    made = {name: _closed(value) for name, value in schema.items() if name != "default"}
    properties = schema.get("properties")
    if schema.get("type") == "object" and isinstance(properties, Mapping):
        made["properties"] = {name: _closed(value) for name, value in properties.items()}
        made |= {"required": list(properties), "additionalProperties": False}
    return made


def _is_closed(schema: Any) -> bool:
    if isinstance(schema, list):
        return all(map(_is_closed, schema))
    if not isinstance(schema, Mapping):
        return True
    own = schema.get("type") != "object" or (
        schema.get("additionalProperties") is False
        and set(schema.get("required") or ()) == set(schema.get("properties") or ())
    )
    return own and all(map(_is_closed, schema.values()))


def parsed(reply: Reply) -> Any:
    """The reply's text as its schema means it; see `Reply.parsed`."""
    if reply.schema is None:
        raise ConfigError("The call had no schema: pass schema=... to get a parsed answer")
    try:
        value = decode(reply.text.encode())
        return _made(reply.schema.made, value)
    except (JsonError, ValueError) as error:  # pydantic's and msgspec's ValidationError are ValueErrors
        cut = " (it was cut at max_tokens)" if reply.finish_reason == "length" else ""
        raise InvalidResponseError(
            f"The answer is not JSON of the form {reply.schema.name}{cut}: {type(error).__name__}",
            provider=reply.provider,
            model=reply.model,
            request_id=reply.request_id,
        ) from None


def _made(made: Any, value: Any) -> Any:
    if made is None:
        return value
    if hasattr(made, "model_validate"):
        return made.model_validate(value)
    import msgspec

    return msgspec.convert(value, made)
