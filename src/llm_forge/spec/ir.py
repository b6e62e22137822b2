"""The intermediate representation: what every target and the simulator read, in wire names only.

All classes are frozen and compare by value. Types form a graph only through `Ref`, which names an
entry of `Api.types`, so that recursion is legal and every other tree is finite.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from .errors import Notice

Kind = Literal["string", "integer", "number", "boolean", "null"]
Location = Literal["path", "query", "header", "cookie"]
ResultKind = Literal["json", "stream", "json-or-stream", "lines", "binary", "empty"]
BodyKind = Literal["json", "multipart", "form", "binary"]
PageStyle = Literal["after-id", "before-id", "cursor", "page", "link"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Constraints as the description states them; None where it states none. `pattern` is never run."""

    minimum: float | int | None = None
    maximum: float | int | None = None
    exclusive_minimum: float | int | None = None
    exclusive_maximum: float | int | None = None
    multiple_of: float | int | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    min_items: int | None = None
    max_items: int | None = None
    unique_items: bool = False
    min_properties: int | None = None
    max_properties: int | None = None


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class AnyType:
    """Any JSON value."""


@dataclass(frozen=True, slots=True)
class Primitive:
    """Text, a number, true or false, or null; `format` is the description's own word."""

    kind: Kind
    format: str | None = None
    limits: Limits = NO_LIMITS


@dataclass(frozen=True, slots=True)
class LiteralType:
    """Exactly one JSON scalar."""

    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class EnumType:
    """Known values of an open set: others are legal on the wire (R-014)."""

    values: tuple[str | int | float | bool, ...]
    kind: Kind = "string"


@dataclass(frozen=True, slots=True)
class ListType:
    """A JSON array."""

    item: Type
    limits: Limits = NO_LIMITS


@dataclass(frozen=True, slots=True)
class MapType:
    """A JSON object with free keys."""

    value: Type
    limits: Limits = NO_LIMITS


@dataclass(frozen=True, slots=True)
class Nullable:
    """A value that may be null."""

    inner: Type


@dataclass(frozen=True, slots=True)
class Ref:
    """A named type of `Api.types`."""

    name: str


@dataclass(frozen=True, slots=True)
class Property:
    """One field of an object; `example` is the first one the description gives, None without one."""

    name: str
    type: Type
    required: bool = False
    description: str = ""
    default: Any = None
    has_default: bool = False
    read_only: bool = False
    write_only: bool = False
    deprecated: bool = False
    example: Any = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ObjectType:
    """A JSON object with known fields; unknown ones are always legal. `extra` types them, if stated."""

    properties: tuple[Property, ...]
    extra: Type | None = None
    limits: Limits = NO_LIMITS


@dataclass(frozen=True, slots=True)
class Union:
    """One of several types that no single field tells apart."""

    members: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class TaggedUnion:
    """One of several objects, told apart by the text in field `tag`; `members` are (tag value, type)."""

    tag: str
    members: tuple[tuple[str, Type], ...]


Type: TypeAlias = (
    AnyType
    | Primitive
    | LiteralType
    | EnumType
    | ListType
    | MapType
    | Nullable
    | Ref
    | ObjectType
    | Union
    | TaggedUnion
)


@dataclass(frozen=True, slots=True)
class TypeDef:
    """A named type; an alias where `type` is neither an object nor a tagged union.

    `derived` is true where the name was made from where an inline schema stands.
    """

    name: str
    type: Type
    description: str = ""
    deprecated: bool = False
    derived: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """One path, query, header or cookie parameter.

    `style` and `explode` follow OpenAPI and say how arrays are written; `encoding` is "json" for a
    parameter that holds a JSON text. `example` is as in `Property`.
    """

    name: str
    location: Location
    type: Type
    required: bool = False
    description: str = ""
    style: str = "form"
    explode: bool = True
    encoding: Literal["plain", "json"] = "plain"
    deprecated: bool = False
    example: Any = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class FieldEncoding:
    """How one field of a form is written: its media type, or the style `deepObject` (`a[b]=c`)."""

    name: str
    media_type: str = ""
    style: str = ""


@dataclass(frozen=True, slots=True)
class Body:
    """A request body; `media_type` is what goes into Content-Type.

    `encodings` are of single fields of a form (multipart or urlencoded). Bytes are `string` with the
    format `binary`, here as in fields.
    """

    kind: BodyKind
    type: Type
    media_type: str = "application/json"
    required: bool = True
    description: str = ""
    encodings: tuple[FieldEncoding, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What a successful call gives; `type` is of the JSON (any JSON value for binary and empty).

    For `lines` (JSON Lines) it is the type of one line.
    """

    kind: ResultKind
    type: Type = AnyType()
    media_type: str = "application/json"
    status: str = "200"


@dataclass(frozen=True, slots=True)
class Stream:
    """How an operation streams; `parameter` is the body field set to `value`, None if it always streams.

    `family` is None where it is not one of the families known. `ndjson`: a line is an event. Of the family
    `events`, `terminal` are the values of `type_field` (or of the event's name) that end a stream.
    `result` is the type of the whole answer where no response of the operation gives it.
    """

    family: str | None
    event: Type
    parameter: str | None = "stream"
    value: Any = True
    ndjson: bool = False
    terminal: tuple[str, ...] = ()
    type_field: str = "type"
    result: Type | None = None


@dataclass(frozen=True, slots=True)
class Pagination:
    """How the next page of a list is asked for; `items`, `id`, `more`, `next` and `total` are dotted paths.

    after-id: `param` is the id (`id` within an item) of the last item; where the caller set the parameter
    `before`, pages go backwards and it is that of the first. before-id: always backwards.
    cursor: `param` is what stands at `next`. page: `param` is a number that begins at `start`;
    `size_param` names the parameter with the size of a page, `total` where the number of all items stands.
    link: the next page's URL stands at `next`. `more` false ends it in every style; `in_body` says that
    `param` is a field of the body, not of the query. `otherwise` is the rule for answers with nothing at
    `next`, where a beta pages in another style.
    """

    style: PageStyle
    items: str
    param: str = ""
    id: str = "id"
    before: str = ""
    next: str = ""
    more: str = ""
    start: int = 1
    size_param: str = ""
    total: str = ""
    in_body: bool = False
    otherwise: Pagination | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; `name` is its method path such as `messages.create`.

    `query` are pairs that the description fixes in the path itself (`?beta=true`). `error` is the type of
    error bodies. `key` is the path as the document has it; `guessed` names those of `name`, `replay` and
    `stream` that it does not say. The last three are where it stands there.
    """

    name: str
    http_method: str
    path: str
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    result: Result = Result("empty")
    stream: Stream | None = None
    error: Type | None = None
    query: tuple[tuple[str, str], ...] = ()
    replay: str = "once"
    group: str = "default"
    summary: str = ""
    description: str = ""
    deprecated: bool = False
    pagination: Pagination | None = None
    operation_id: str = ""
    key: str = ""
    guessed: tuple[str, ...] = ()
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)
    pointer: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Resource:
    """A node of the tree of operations: `chat` with its child `completions`, and so on."""

    name: str
    operations: tuple[Operation, ...] = ()
    children: tuple[Resource, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """An operation of the document that is not in the tree, and why."""

    http_method: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Auth:
    """Where the credential goes; `name` is the header, query or cookie name.

    The rest is for `oauth2`: `token_url` is where tokens come from, None if the document does not say;
    `scopes` are those that its security requirement lists; `client_auth` is how the client proves itself.
    `optional` is for servers that also answer requests without a credential.
    """

    kind: Literal["api-key", "bearer", "basic", "oauth2", "none"] = "bearer"
    placement: Literal["header", "query", "cookie"] = "header"
    name: str = "authorization"
    token_url: str | None = None
    scopes: tuple[str, ...] = ()
    client_auth: Literal["basic", "body"] = "basic"
    optional: bool = False


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The response headers of one rate-limit family."""

    family: str
    unit: str
    limit: str
    remaining: str
    reset: str | None = None
    reset_form: str = "duration"
    reset_meaning: str = "window"
    cost: str | None = None
    period: float | None = None


@dataclass(frozen=True, slots=True)
class Errors:
    """How errors of the provider are read; `type` and `message` are dotted paths into the body."""

    type: str | None = None
    message: str | None = None
    status_of_type: tuple[tuple[str, int], ...] = ()
    terminal_codes: tuple[str, ...] | None = None
    retryable_statuses: tuple[int, ...] = ()
    not_processed: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Env:
    """The environment variables that a client reads, in order."""

    api_key: tuple[str, ...] = ()
    base_url: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Api:
    """One description, read.

    `provider` is the package and registry name, `client` the class name. `sha256` is of the bytes of
    all files read, `source` the main one's name without directories. `root` holds the tree of operations.
    `health` is the name of an operation that a client may call to see whether the API works. `defaults` and
    `capabilities` are for the unified layer and are not interpreted here. `guessed` names those of
    `provider`, `client`, `auth`, `errors`, `idempotency_header` and `health` that no description says.
    """

    provider: str
    client: str
    title: str
    version: str
    description: str = ""
    servers: tuple[str, ...] = ()
    env: Env = Env()
    headers: tuple[tuple[str, str], ...] = ()
    auth: Auth = Auth()
    request_id_headers: tuple[str, ...] = ()
    secret_headers: tuple[str, ...] = ()
    idempotency_header: str | None = None
    attempt_header: str | None = None
    previous_attempts_header: str | None = None
    errors: Errors = Errors()
    rate_limits: tuple[RateLimit, ...] = ()
    base_url_suffixes: tuple[str, ...] = ()
    health: str | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    capabilities: Mapping[str, Any] = field(default_factory=dict)
    root: Resource = Resource("")
    types: Mapping[str, TypeDef] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()
    notices: tuple[Notice, ...] = ()
    source: str = ""
    sha256: str = ""
    openapi: str = ""
    guessed: tuple[str, ...] = ()

    def operations(self) -> tuple[Operation, ...]:
        """All operations of the tree, depth first."""
        return tuple(_operations(self.root))

    def operation(self, name: str) -> Operation:
        """The operation with that method path; KeyError if there is none."""
        for operation in self.operations():
            if operation.name == name:
                return operation
        raise KeyError(name)

    def resolve(self, found: Type) -> Type:
        """The type behind names: never a `Ref`. A loop of aliases is any JSON value."""
        seen: set[str] = set()
        while isinstance(found, Ref):
            if found.name in seen:
                return AnyType()
            seen.add(found.name)
            found = self.types[found.name].type
        return found


def _operations(resource: Resource) -> list[Operation]:
    found = list(resource.operations)
    for child in resource.children:
        found.extend(_operations(child))
    return found
