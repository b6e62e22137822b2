"""Typed views over decoded JSON: attributes read through, nothing is validated, nothing is lost.

Rules of this file:
- A view keeps the very object it was made from; unknown fields, unknown union members and unknown
  enum values survive and go back on the wire unchanged (R-141, R-200, R-014).
- A field converts its value on first access and remembers it; a value of an unexpected shape is
  handed out as it is instead of raising.
- A missing field reads as None; `"name" in view` tells missing from null.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

import msgspec

Convert = Callable[[Any], Any]


class Field:
    """The descriptor behind an attribute of a view; made by `field`."""

    __slots__ = ("convert", "name", "required", "wire")

    def __init__(self, wire: str, convert: Convert | None, required: bool) -> None:
        self.wire = wire
        self.convert = convert
        self.required = required
        self.name = wire

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, view: View | None, owner: type | None = None) -> Any:
        if view is None:
            return self
        value = view._data.get(self.wire)
        if value is None or self.convert is None:
            return value
        cache = view._cache
        if cache is None:
            cache = view._cache = {}
        if self.wire not in cache:
            cache[self.wire] = self.convert(value)
        return cache[self.wire]

    def __set__(self, view: View, value: Any) -> None:
        raise AttributeError(
            f"{type(view).__name__}.{self.name} is read-only; change a copy from to_dict() instead"
        )


def field(wire: str, convert: Convert | None = None, *, required: bool = False) -> Any:
    """Declare an attribute that reads `wire` from the JSON, through `convert` if one is given.

    `required` says that every complete answer has it; `core.required` tells where one has not.
    """
    return Field(wire, convert, required)


class View:
    """A JSON object with typed attributes; build one from any mapping."""

    __slots__ = ("_cache", "_data")
    _data: dict[str, Any]
    _cache: dict[str, Any] | None

    def __init__(self, data: Mapping[str, Any], /) -> None:
        if not isinstance(data, dict):
            data = _plain_mapping(type(self), data)
        self._data = data
        self._cache = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object as received, as a fresh copy."""
        copied: dict[str, Any] = _plain(self._data)
        return copied

    def to_json(self) -> bytes:
        """The JSON object as UTF-8 bytes."""
        try:
            return msgspec.json.encode(self._data, enc_hook=encode_view)
        except UnicodeEncodeError:  # half a surrogate pair, which JSON can carry as an escape only
            return json.dumps(self.to_dict(), separators=(",", ":")).encode()

    def get(self, name: str, default: Any = None) -> Any:
        """The raw JSON value of a wire name, or `default` where the field is missing."""
        return self._data.get(name, default)

    def keys(self) -> Iterator[str]:
        """The wire names present."""
        return iter(self._data)

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __getitem__(self, name: str) -> Any:
        return self._data[name]

    def __contains__(self, name: object) -> bool:
        return name in self._data

    if not TYPE_CHECKING:
        # Hidden from type checkers, so that a misspelt attribute is still their error.
        def __getattr__(self, name: str) -> Any:
            if not name.startswith("_") and name in self._data:
                return self._data[name]
            raise AttributeError(f"{type(self).__name__} has no field {name!r}")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return bool(self._data == other._data)

    __hash__ = None  # type: ignore[assignment]  # mutable JSON underneath

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self._data.items())
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self._data,))

    def __copy__(self) -> Self:
        return type(self)(self._data)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return type(self)(copy.deepcopy(self._data, memo))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        shape = core_schema.dict_schema()
        return core_schema.no_info_plain_validator_function(
            cls._validated,
            json_schema_input_schema=shape,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda view: view.to_dict(), return_schema=shape
            ),
        )

    @classmethod
    def _validated(cls, value: Any) -> Self:
        """What a pydantic field accepts; ValueError is what pydantic reports as a validation error."""
        if isinstance(value, cls):
            return value
        if isinstance(value, (Mapping, View)):
            return cls(value)  # type: ignore[arg-type]  # a view is accepted as the JSON it came from
        raise ValueError(f"{cls.__name__} is built from a mapping, not from {type(value).__name__}")


class Unknown(View):
    """A member of a union that this version does not know; all its JSON is kept.

    To type checkers it may have any field, and a tag that no server sends: so a comparison of the tag with
    a known one rules it out.
    """

    __slots__ = ()

    if TYPE_CHECKING:
        type: Literal["<unknown>"]

        def __getattr__(self, name: str) -> Any: ...


def _plain_mapping(cls: type[View], data: object) -> dict[str, Any]:
    if isinstance(data, View):
        return data._data
    if isinstance(data, Mapping):
        return dict(data)
    raise TypeError(f"{cls.__name__} is built from a mapping, not from {type(data).__name__}")


def _plain(value: Any) -> Any:
    """A copy of a JSON value without views in it."""
    if isinstance(value, View):
        value = value._data
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return value


def encode_view(value: Any) -> Any:
    """The msgspec `enc_hook` that sends a view as the JSON it came from."""
    if isinstance(value, View):
        return value._data
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


def obj(cls: Callable[[Any], Any]) -> Convert:
    """A converter for one object; `cls` may be a lambda for a class defined further down."""

    def convert(value: Any) -> Any:
        return cls(value) if isinstance(value, dict) else value

    return convert


def list_of(item: Convert) -> Convert:
    """A converter for a JSON array."""

    def convert(value: Any) -> Any:
        return [item(entry) for entry in value] if isinstance(value, list) else value

    return convert


def map_of(item: Convert) -> Convert:
    """A converter for a JSON object with free keys."""

    def convert(value: Any) -> Any:
        return {key: item(entry) for key, entry in value.items()} if isinstance(value, dict) else value

    return convert


def union(tag: str, members: Callable[[], Mapping[str, Callable[[Any], Any]]]) -> Convert:
    """A converter for objects told apart by `tag`; what is not in `members` becomes `Unknown`.

    `members` is called once, at first use, so that classes may be defined further down.
    """
    table: dict[str, Callable[[Any], Any]] = {}

    def convert(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if not table:
            table.update(members())
        name = value.get(tag)
        make = table.get(name) if isinstance(name, str) else None
        return (make or Unknown)(value)

    return convert


def shaped(members: Callable[[], Sequence[tuple[tuple[str, ...], Convert]]]) -> Convert:
    """A converter for objects told apart by the fields they have: (required names, converter) pairs.

    The first whose names are all present is taken; an object that has none of them becomes `Unknown`.
    """

    def convert(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        for names, make in members():
            if all(name in value for name in names):
                return make(value)
        return Unknown(value)

    return convert


def either(*converters: Convert) -> Convert:
    """A converter for a value of several JSON kinds; each converter passes on what is not its kind."""

    def convert(value: Any) -> Any:
        for one in converters:
            value = one(value)
        return value

    return convert
