"""Everything the Python writers print, decided: frozen dataclasses that hold only safe text."""

from __future__ import annotations

from dataclasses import dataclass

from ...spec.ir import Api, Operation
from ..support import Answer, BodyRule
from ..text import Comment
from .expressions import Expression
from .text import Identifier, Prose, Quoted


@dataclass(frozen=True, slots=True)
class Attribute:
    """A field of a view; `convert` is the source of its converter."""

    name: Identifier
    wire: Quoted
    type: Expression
    convert: str | None
    required: bool
    doc: Prose


@dataclass(frozen=True, slots=True)
class ModelClass:
    """A View subclass."""

    name: Identifier
    doc: Prose
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class Converter:
    """A module-level converter of a union.

    `cases` are (quoted tag or quoted names, converter source); `others` are converters of the members
    that are not objects.
    """

    name: Identifier
    tag: Quoted | None
    cases: tuple[tuple[tuple[Quoted, ...], str], ...]
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alias:
    """A type alias; `quoted` are the names in it that are defined further down."""

    name: Identifier
    type: Expression
    doc: Prose
    quoted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PageClass:
    """A class of pages: the view of the answer, and the type of its items."""

    name: Identifier
    answer: Identifier
    item: Expression


@dataclass(frozen=True, slots=True)
class Models:
    """The types of answers, or a part of them; `pages` come twice, for threads and for asyncio."""

    converters: tuple[Converter, ...]
    classes: tuple[ModelClass, ...]
    aliases: tuple[Alias, ...]
    pages: tuple[PageClass, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a TypedDict; `identifier` is false where class syntax cannot spell it."""

    wire: str
    quoted: Quoted
    type: Expression
    required: bool
    identifier: bool
    doc: Prose


@dataclass(frozen=True, slots=True)
class ParamClass:
    """A TypedDict."""

    name: Identifier
    doc: Prose
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Params:
    """params.py."""

    classes: tuple[ParamClass, ...]
    aliases: tuple[Alias, ...]


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a method; `where` is path, query, headers, cookies, body or whole-body."""

    name: Identifier
    wire: Quoted
    type: Expression
    required: bool
    where: str
    doc: Prose


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a resource.

    `stream` is the name of its streaming twin, or its own where it `only_streams`; `stream_result` is what
    the events add up to.
    `page` is the class of its pages, where it has some.
    `answer` is what the runtime expects of a 2xx body: a JSON object, any JSON value, lines of JSON, bytes,
    or nothing.
    """

    name: Identifier
    constant: Identifier
    arguments: tuple[Argument, ...]
    query: tuple[tuple[Quoted, Quoted], ...]
    answer: Answer
    result: Expression
    event: Expression | None
    stream: Identifier | None
    stream_result: Expression
    only_streams: bool
    summary: Prose
    doc: Prose
    operation: Operation
    body: BodyRule | None
    styles: tuple[tuple[str, str], ...]
    page: PageClass | None
    convert: str
    event_convert: str


@dataclass(frozen=True, slots=True)
class ResourceClass:
    """A resource, the module it is printed in, and its children (attribute name, class name)."""

    name: Identifier
    path: str
    module: Identifier
    methods: tuple[Method, ...]
    children: tuple[tuple[Identifier, Identifier], ...]


@dataclass(frozen=True, slots=True)
class View:
    """One generated package."""

    api: Api
    header: Comment
    package: Identifier
    client: Identifier
    title: Prose
    doc: Prose
    models: Models
    params: Params
    resources: tuple[ResourceClass, ...]
    children: tuple[tuple[Identifier, Identifier], ...]
