"""Everything the Rust writers print, decided: frozen dataclasses that hold only safe text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from ...spec.ir import Api, Operation
from ..support import Answer, BodyRule
from ..text import Comment
from .text import Doc, Identifier, Quoted

# `plain` is always there, `option` may be absent, `null` may be null, `maybe` may be either.
Presence: TypeAlias = Literal["plain", "option", "null", "maybe"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a structure; `type` is that of its value.

    `into` says that setters take whatever becomes the type. `given` is code for the value that the field has
    where nobody gives one, "" for none; `asked` says that the constructor asks for it.
    """

    name: Identifier
    wire: Quoted | None
    type: str
    presence: Presence
    doc: Doc
    into: bool
    given: str = ""
    asked: bool = False
    is_file: bool = False
    setter: Identifier | None = None


@dataclass(frozen=True, slots=True)
class Struct:
    """A JSON object, or the parameters of an operation where `json` is false; a `form` has files in it."""

    name: Identifier
    doc: Doc
    fields: tuple[Field, ...]
    builds: bool
    json: bool = True
    form: bool = False


@dataclass(frozen=True, slots=True)
class Enum:
    """A text with known values; any other text is legal too (R-014)."""

    name: Identifier
    doc: Doc
    values: tuple[tuple[Identifier, Quoted, Doc], ...]


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a union; `rule` is code for which values may be it, `tags` are those of the union's tag."""

    variant: Identifier
    type: str
    boxed: bool
    doc: Doc
    tags: tuple[Quoted, ...] = ()
    rule: str = ""


@dataclass(frozen=True, slots=True)
class UnionType:
    """A union; `tag` is the wire name of the field that tells members apart, `text` the variant of texts.

    `mirrors` are types of answers that become a value of the union too.
    """

    name: Identifier
    doc: Doc
    members: tuple[Member, ...]
    tag: Quoted | None = None
    text: Identifier | None = None
    mirrors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name for a type."""

    name: Identifier
    doc: Doc
    type: str


Declaration: TypeAlias = Struct | Enum | UnionType | Alias


@dataclass(frozen=True, slots=True)
class Argument:
    """What a caller passes by position (path), or as a field of the method's params."""

    name: Identifier
    wire: Quoted
    type: str
    where: str


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a service; `stream` is the name of its streaming twin, its own where it only streams.

    `result` is the type of the whole answer or of a line, `item` that of an item of its pages, `event` that
    of an event of its stream, `collected` what the stream adds up to; "" where there is none.
    """

    name: Identifier
    constant: Identifier
    path: tuple[Argument, ...]
    params: Identifier | None
    fields: tuple[Argument, ...]
    query: tuple[tuple[Quoted, Quoted], ...]
    body: str
    body_required: bool
    files: tuple[Argument, ...]
    answer: Answer
    result: str
    item: str
    event: str
    collected: str
    stream: Identifier | None
    only_streams: bool
    doc: Doc
    operation: Operation
    rule: BodyRule | None
    required: tuple[str, ...]
    styles: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Service:
    """A group of operations; `children` are pairs of a method and the service that it gives."""

    name: Identifier
    path: str
    module: Identifier
    doc: Doc
    methods: tuple[Method, ...]
    children: tuple[tuple[Identifier, Service], ...]


@dataclass(frozen=True, slots=True)
class View:
    """One generated crate; `package` is what `use` calls it."""

    api: Api
    header: Comment
    crate: str
    package: Identifier
    title: Doc
    types: tuple[Declaration, ...]
    root: Service

    def services(self) -> tuple[Service, ...]:
        """All services below the client, by place in the tree."""
        return tuple(_below(self.root))


def _below(one: Service) -> list[Service]:
    return [found for _, child in one.children for found in (child, *_below(child))]
