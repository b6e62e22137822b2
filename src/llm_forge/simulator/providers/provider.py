"""What every provider of the simulator has in common.

A provider answers a `Turn` (one request with its seeded randomness) with a `Produced`: the reply as
data, and what it costs. It raises `Failure` where it refuses, and words failures its own way.
"""

from __future__ import annotations

import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias
from urllib.parse import parse_qsl

from ..problems import Failure, Problem
from ..schema_values import schema_fault
from ..script import Reply
from ..text import count, dice, letters

if TYPE_CHECKING:
    import random

    from ..dialogue import Question
    from ..limits import Bucket, Limits
    from ..server import Request

ALNUM = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"
HEX = "0123456789abcdef"
EPOCH = 1_767_225_600  # `created` counts from here, so that bodies do not depend on the clock
IMAGE_TOKENS = 85
_MEDIA = ("image", "image_url", "document", "file", "input_audio", "document_url")


@dataclass(frozen=True, slots=True)
class Turn:
    """One request of a provider: `number` counts them from 1, `path` is below the provider's prefix.

    `ids` are the parameters of its path, `now` is when it came, by the simulator's clock. `part` tells the
    requests of a batch apart, which are made in the name of the one that began it.
    """

    provider: str
    seed: int
    number: int
    request: Request
    path: str
    body: Mapping[str, Any] = field(default_factory=dict)
    ids: tuple[str, ...] = ()
    now: float = 0.0
    part: str = ""

    def dice(self, *labels: object) -> random.Random:
        """Randomness of this request only."""
        return dice(self.seed, self.provider, self.number, *([self.part] if self.part else []), *labels)

    def letters(self, label: str, alphabet: str, length: int) -> str:
        """Characters for an identifier; the label tells the identifiers of a request apart."""
        return _letters(self.provider, self.seed, self.number, f"{self.part}{label}", alphabet, length)

    def padding(self, number: int) -> str:
        """One to 16 characters that hide the length of the n-th chunk."""
        noise = hashlib.sha256(f"{self.provider} {self.seed} {self.number} {number}".encode()).hexdigest()
        return noise[: int(noise[-1], 16) + 1]

    def sub(self, part: str, body: Mapping[str, Any] | None = None) -> Turn:
        """A request inside this one, with randomness of its own."""
        return replace(self, part=part, body=body or {})

    @property
    def query(self) -> dict[str, str]:
        """The query parameters, the last of each name."""
        return dict(parse_qsl(self.request.query))

    @property
    def created(self) -> int:
        """The time stamp of what this request makes."""
        return EPOCH + self.number

    @property
    def model(self) -> str:
        """The model asked for."""
        return str(self.body.get("model", ""))


@dataclass(frozen=True, slots=True)
class Produced:
    """An answer as data: the reply, the costs by limit unit, and the tokens to bill."""

    reply: Reply
    input_tokens: int = 0
    output_tokens: int = 0


Handler: TypeAlias = Callable[[Turn], Produced]
Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Route:
    """An operation and the requests that reach it; `{}` in the path is one segment or more."""

    operation: str
    method: str
    path: str

    def match(self, path: str) -> re.Match[str] | None:
        """The match of a path, whose groups are the path parameters."""
        return re.fullmatch(re.escape(self.path).replace(r"\{\}", "(.+)"), path)


class Provider(ABC):
    """A provider: its routes, its identifiers and headers, its answers and its errors."""

    name: ClassVar[str]
    routes: ClassVar[Sequence[Route]]
    max_body_bytes: ClassVar[int] = 32 * 1024 * 1024
    json_forms: ClassVar[Mapping[str, str]] = {}  # what operations that take a form are called in JSON
    checked_later: ClassVar[Mapping[str, str]] = {}  # by operation: a field that is read once it is worked on

    @abstractmethod
    def buckets(self) -> dict[str, Bucket]:
        """Fresh buckets of its usual limits."""

    @abstractmethod
    def authenticate(self, request: Request) -> None:
        """Accept the request or raise Failure."""

    @abstractmethod
    def request_id(self, turn: Turn) -> str:
        """The identifier of a request in the vendor's form."""

    @abstractmethod
    def headers(self, request_id: str, turn: Turn) -> list[tuple[str, str]]:
        """Headers of every response."""

    @abstractmethod
    def limit_headers(self, limits: Limits, now: float, cost: Mapping[str, float]) -> list[tuple[str, str]]:
        """Rate-limit headers from the buckets."""

    @abstractmethod
    def failure(self, failure: Failure, request_id: str) -> Reply:
        """A refusal in the vendor's words."""

    @abstractmethod
    def produce(self, operation: str, turn: Turn) -> Produced:
        """The answer of an operation; may raise Failure."""

    @abstractmethod
    def stream_error(self, kind: str, message: str) -> str:
        """An error event as it appears inside a stream; `kind` is the vendor's error type."""

    def route(self, method: str, path: str) -> Route:
        """The route of a request. Failure "route" or "method" if there is none."""
        matching = [route for route in self.routes if route.match(path)]
        for route in sorted(matching, key=lambda route: -len(route.path)):  # the most exact first
            if route.method == method:
                return route
        raise Failure("method" if matching else "route", f"{method} {path}")

    def costs(self, produced: Produced) -> dict[str, float]:
        """What an answer takes from each bucket."""
        return {
            "requests": 1,
            "tokens": produced.input_tokens + produced.output_tokens,
            "input-tokens": produced.input_tokens,
            "output-tokens": produced.output_tokens,
        }

    def check_model(self, name: str) -> None:
        """Any model is served, except those named `missing-...`."""
        if name.startswith("missing-"):
            raise Failure("model", name)


@lru_cache(maxsize=1024)
def _letters(provider: str, seed: int, number: int, label: str, alphabet: str, length: int) -> str:
    """Every chunk of a stream carries the identifier of its request, so they are kept for a while."""
    return letters(dice(seed, provider, number, label), alphabet, length)


def bearer_token(request: Request) -> str | None:
    """The bearer token, None without one."""
    scheme, _, token = (request.header("authorization") or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def check_key(key: str | None) -> None:
    """Any key is right that is neither empty nor `invalid`."""
    if not key:
        raise Failure("no-key")
    if key == "invalid":
        raise Failure("bad-key", key)


def input_tokens(*parts: Any) -> int:
    """Tokens of everything that is sent: texts as they are, media at a flat rate, a little per message."""
    return sum(_size(part) for part in parts)


def _size(value: Any) -> int:
    if isinstance(value, str):
        return count(value)
    if isinstance(value, Mapping):
        if value.get("type") in _MEDIA:
            return IMAGE_TOKENS
        return (3 if "role" in value else 1) + sum(_size(item) for item in value.values())
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        return sum(_size(item) for item in value)
    return 0 if value is None else 1


def checked_schema(schema: Any, *path: str | int) -> Mapping[str, Any] | None:
    """A schema of the request, or Failure "invalid" that says where it is none."""
    if schema is None:
        return None
    if fault := schema_fault(schema):
        raise Failure("invalid", problems=(Problem("value", path, f"a JSON schema ({fault})", schema),))
    return schema if isinstance(schema, Mapping) else {}


def check_choice(question: Question, given: Sequence[Any] | None) -> None:
    """A forced tool must be among the tools given. Failure "invalid" otherwise."""
    if len(question.tools) != len(given or ()):
        return  # there are tools of the vendor's own, which nothing here calls
    names = [tool.name for tool in question.tools]
    wanted = question.forced or ("any tool" if question.choice == "any" else None)
    if wanted is not None and (not names or question.forced not in {None, *names}):
        known = " or ".join(f"'{name}'" for name in names) or "absent without tools"
        raise Failure("invalid", problems=(Problem("value", ("tool_choice",), known, wanted),))


def strings(value: Any) -> tuple[str, ...]:
    """A stop parameter as a tuple: None, one text or several."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(str(item) for item in value)


def compact(value: Any) -> str:
    """JSON without spaces, UTF-8 unescaped."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
