"""Everything the TypeScript writers print, decided: frozen dataclasses that hold only safe text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ...spec.ir import Api, Operation
from ..support import Answer, BodyRule
from ..text import Comment
from .expressions import Expression
from .text import Identifier, Key, Prose


@dataclass(frozen=True, slots=True)
class Field:
    """A property of an interface."""

    key: Key
    type: Expression
    required: bool
    doc: Prose


@dataclass(frozen=True, slots=True)
class Interface:
    """An object's type; an `open` one may be read and written by any key, a `readonly` one is of answers."""

    name: Identifier
    doc: Prose
    fields: tuple[Field, ...]
    open: bool
    readonly: bool


@dataclass(frozen=True, slots=True)
class Alias:
    """A name for a type."""

    name: Identifier
    doc: Prose
    type: Expression


Declaration: TypeAlias = Interface | Alias


@dataclass(frozen=True, slots=True)
class ShapeOf:
    """The shape of one place: of a named type, or of the entries of a list or map."""

    name: Identifier | None = None
    items: ShapeOf | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """Which fields an object must have (R-200), and the shapes of its fields."""

    name: Identifier
    required: tuple[str, ...]
    fields: Mapping[str, ShapeOf]


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a method that stands in the path."""

    name: Identifier
    wire: str
    type: Expression


@dataclass(frozen=True, slots=True)
class Taken:
    """A field of a method's parameters that is not of the body: its key, and its name on the wire."""

    key: str
    wire: str


@dataclass(frozen=True, slots=True)
class Params:
    """The object that a method takes; `places` says which of its fields are query, headers and cookies."""

    name: Identifier
    optional: bool
    places: Mapping[str, tuple[Taken, ...]]


@dataclass(frozen=True, slots=True)
class WholeBody:
    """A body that is no object of fields, an argument of its own."""

    type: Expression
    optional: bool


@dataclass(frozen=True, slots=True)
class Streaming:
    """How a method streams: the name of the method that does, and what its events are and add up to.

    `switch` is the literal type of the parameter that the plain method takes to stream too.
    """

    name: Identifier
    event: Expression
    result: Expression
    collects: bool
    switch: tuple[Key, Expression] | None


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a resource; `streaming` without `result` is of operations that only stream."""

    name: Identifier
    constant: Identifier
    path: tuple[Argument, ...]
    body: WholeBody | None
    sends_fields: bool
    params: Params | None
    answer: Answer
    result: Expression
    item: Expression | None
    streaming: Streaming | None
    only_streams: bool
    deprecated: bool
    doc: Prose
    summary: Prose
    operation: Operation
    rule: BodyRule | None
    styles: tuple[tuple[str, str], ...]
    shape: ShapeOf | None


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource: its class, the module it is printed in, and its children (property, class)."""

    name: Identifier
    path: str
    module: str
    methods: tuple[Method, ...]
    children: tuple[tuple[Identifier, Identifier], ...]


@dataclass(frozen=True, slots=True)
class View:
    """One generated SDK; `homes` are the modules of types by their names."""

    api: Api
    header: Comment
    client: Identifier
    title: Prose
    doc: Prose
    declarations: Mapping[str, tuple[Declaration, ...]]
    shapes: Mapping[str, tuple[Shape, ...]]
    homes: Mapping[str, str]
    resources: tuple[Resource, ...]
    children: tuple[tuple[Identifier, Identifier], ...]
