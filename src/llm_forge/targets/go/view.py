"""Everything the Go writers print, decided: frozen dataclasses that hold only safe text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ...spec.ir import Api, Operation
from ..support import Answer, BodyRule
from ..text import Comment
from .text import Identifier, Prose, Quoted, Tag


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a struct; `tag` is None for structs that never become JSON."""

    name: Identifier
    type: str
    tag: Tag | None
    doc: Prose | None


@dataclass(frozen=True, slots=True)
class Struct:
    """A JSON object."""

    name: Identifier
    doc: Prose
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Enum:
    """A text with known values; any other text is legal too (R-014)."""

    name: Identifier
    doc: Prose
    values: tuple[tuple[Identifier, Quoted], ...]


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a union: `as_name` reads it; `tags` are the values of the union's tag that mean it."""

    as_name: Identifier
    type: str
    tags: tuple[Quoted, ...] = ()


@dataclass(frozen=True, slots=True)
class UnionType:
    """A union; `make` makes one, `tag` is the wire name of the field that tells its members apart."""

    name: Identifier
    make: Identifier
    doc: Prose
    members: tuple[Member, ...]
    tag: Quoted | None = None


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name for a type."""

    name: Identifier
    doc: Prose
    type: str


Declaration: TypeAlias = Struct | Enum | UnionType | Alias


@dataclass(frozen=True, slots=True)
class Argument:
    """What a caller passes by position (path), or as a field of the method's params."""

    name: Identifier
    wire: Quoted
    type: str
    where: str
    doc: Prose | None = None


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a service; `stream` is the name of its streaming twin, its own where it only streams.

    `result` is the type of the whole answer or of a line, `item` that of an item of its pages, `event` that
    of an event of its stream, `collected` what the stream adds up to; "" where there is none.
    """

    name: Identifier
    variable: Identifier
    path: tuple[Argument, ...]
    params: Identifier | None
    fields: tuple[Argument, ...]
    query: tuple[tuple[Quoted, Quoted], ...]
    body: str
    answer: Answer
    result: str
    item: str
    event: str
    collected: str
    stream: Identifier | None
    only_streams: bool
    doc: Prose
    stream_doc: Prose | None
    operation: Operation
    rule: BodyRule | None
    styles: tuple[tuple[str, str], ...]
    required: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """A group of operations; `children` are pairs of a field and a service's type."""

    name: Identifier
    path: str
    file: str
    doc: Prose
    methods: tuple[Method, ...]
    children: tuple[tuple[Identifier, Identifier], ...]


@dataclass(frozen=True, slots=True)
class View:
    """One generated package; `runtime` is the import path of `forge`."""

    api: Api
    header: Comment
    package: str
    module: str
    runtime: str
    title: Prose
    types: tuple[Declaration, ...]
    services: tuple[Service, ...]
    root: Service
