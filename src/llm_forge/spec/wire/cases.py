"""What a wire case is: a call, the request that must come of it, its answer, and what the call must give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["minimal", "full", "error", "stream", "cut"]
Gives: TypeAlias = Literal["json", "lines", "binary", "empty", "stream"]
BodyKind: TypeAlias = Literal["none", "json", "form", "multipart", "bytes"]


@dataclass(frozen=True, slots=True)
class Arguments:
    """What the caller passes, by wire name; a `File` where a file is meant.

    `body` holds the fields of a body that is an object, else the whole body; None without one.
    """

    path: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    header: Mapping[str, Any] = field(default_factory=dict)
    cookie: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form. A `media_type` of "" and a file's name are not compared."""

    name: str
    content: bytes
    is_file: bool = False
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """The body of a request; `parts` are of forms, `media_type` "" is not compared."""

    kind: BodyKind = "none"
    media_type: str = ""
    json: Any = None
    parts: tuple[Part, ...] = ()
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class Sent:
    """The request that must arrive; `path` is percent-encoded, below the base URL.

    `headers` must be there with these values, others may be there too.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: Content = Content()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says; `cut`: the connection ends in the middle of a chunked body."""

    status: int = 200
    media_type: str = ""
    body: bytes = b""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the call must give.

    `value` is the JSON of the result: a list for lines and for streams that only collect events, a `File`
    for bytes. `events` and `completion` are of streams. `error` is the kind of R-210, with its `status`.
    """

    gives: Gives
    value: Any = None
    events: int | None = None
    completion: str | None = None
    error: str | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One case; `id` is also the segment of its base URL, `streaming` asks for the operation's stream."""

    id: str
    operation: str
    kind: Kind
    streaming: bool
    arguments: Arguments
    sent: Sent
    answer: Answer
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Suite:
    """The cases of one description; every client is made with `credential`, and none without one."""

    provider: str
    source: str
    sha256: str
    credential: str | None
    cases: tuple[Case, ...]
