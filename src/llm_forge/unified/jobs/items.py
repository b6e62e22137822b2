"""What goes into a job and what comes out of it: requests, outcomes, and the digests that bind them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...core.errors import BatchError, ForgeError
from .states import State

_LINE_KEYS = frozenset({"id", "prompt", "messages"})
_ERROR_FACTS = ("status", "type", "code", "param", "request_id", "provider", "model")


@dataclass(frozen=True, slots=True)
class Item:
    """One request of a job: its place from 0, its id, and the messages as JSON text.

    `turn` counts the calls made for it, the next one included.
    """

    index: int
    id: str
    messages: str
    turn: int = 1

    @property
    def digest(self) -> bytes:
        """What the item is bound to (R-185)."""
        return hashlib.sha256(
            f"{json.dumps(self.id)}\n{self.messages}".encode("utf-8", "surrogatepass")
        ).digest()


def item_of(value: Any, index: int, place: str) -> Item:
    """The item that a line or an element means: a prompt, `{"prompt": ...}` or `{"messages": [...]}`.

    BatchError names the place of a value that is none of these.
    """
    if isinstance(value, str):
        value = {"prompt": value}
    if not isinstance(value, Mapping):
        raise BatchError(
            f"{place}: expected a prompt, or an object with prompt or messages, not {_kind(value)}"
        )
    if unknown := sorted(set(value) - _LINE_KEYS):
        raise BatchError(f"{place}: unknown key {unknown[0]!r}; an item has id, and prompt or messages")
    return Item(index, _id(value.get("id"), index, place), canonical(_messages(value, place)))


def _messages(value: Mapping[str, Any], place: str) -> list[Any]:
    prompt, messages = value.get("prompt"), value.get("messages")
    if (prompt is None) == (messages is None):
        raise BatchError(f"{place}: give either prompt or messages")
    if messages is None:
        if not isinstance(prompt, str):
            raise BatchError(f"{place}: prompt must be text, not {_kind(prompt)}")
        return [{"role": "user", "content": prompt}]
    if isinstance(messages, str) or not isinstance(messages, Iterable) or isinstance(messages, Mapping):
        raise BatchError(f"{place}: messages must be a list, not {_kind(messages)}")
    return list(messages)


def _id(given: Any, index: int, place: str) -> str:
    if given is None:
        return str(index)
    if isinstance(given, bool) or not isinstance(given, str | int) or given == "":
        raise BatchError(f"{place}: id must be text or a whole number, not {given!r}")
    return str(given)


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__


def canonical(value: Any) -> str:
    """JSON text that depends on nothing but the value; BatchError for what JSON cannot say."""
    try:
        return json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise BatchError(f"An item must be plain JSON: {error}") from error


def _plain(value: Any) -> Any:
    if hasattr(value, "to_dict"):
        return value.to_dict()
    raise TypeError(f"{type(value).__name__} is not JSON")


class InputsDigest:
    """The digest of all items in order (R-185)."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.count = 0

    def add(self, item_digest: bytes) -> None:
        """The next item's."""
        self._hash.update(item_digest)
        self.count += 1

    def hex(self) -> str:
        """The digest as text."""
        return f"{self.count}:{self._hash.hexdigest()}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call brought: `reply` is the provider's answer, durations are seconds, `cost` US dollars.

    `attempts` are the requests it took. What is not known is None.
    """

    text: str | None = None
    reply: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    usage: Mapping[str, Any] | None = None
    cost: float | None = None
    attempts: int | None = None
    latency: float | None = None
    first_token: float | None = None

    @property
    def state(self) -> State:
        """The state that the item ends in."""
        return State.DONE if self.error is None else State.FAILED


_STANDING: Mapping[State, Mapping[str, Any]] = {
    State.PENDING: {"kind": "Pending", "message": "The item has no answer yet; run the job on"},
    State.LEASED: {"kind": "Pending", "message": "The item has no answer yet; run the job on"},
    State.SENT: {"kind": "Pending", "message": "The item is under way, or was when its process ended"},
    State.CANCELLED: {"kind": "Cancelled", "message": "The job was cancelled before the item had an answer"},
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an item ended, or where it is: exactly one for each item of a job (R-181)."""

    id: str
    index: int
    state: State
    answer: Answer

    @property
    def text(self) -> str | None:
        """The answer's text; None if there is none."""
        return self.answer.text

    @property
    def error(self) -> Mapping[str, Any] | None:
        """`kind`, `message` and what else is known of the error; None for an answer."""
        return self.answer.error

    def facts(self) -> dict[str, Any]:
        """What hooks are told of it: names and numbers, nothing of the answer."""
        outcome = "ok" if self.error is None else self.error["kind"]
        return {"outcome": outcome, "index": self.index, "id": self.id, "attempts": self.answer.attempts}

    def to_dict(self) -> dict[str, Any]:
        """The output line: id, index, text, reply or error, usage, cost, attempts."""
        answer = self.answer
        error = answer.error or _STANDING.get(self.state)
        ending = {"reply": answer.reply} if error is None else {"error": error}
        return {
            "id": self.id,
            "index": self.index,
            "text": answer.text,
            **ending,
            "usage": answer.usage,
            "cost": answer.cost,
            "attempts": answer.attempts,
        }


def described(error: ForgeError) -> dict[str, Any]:
    """An error as an output line has it: its kind, its message and the facts that are known."""
    facts = {name: getattr(error, name) for name in _ERROR_FACTS}
    return {"kind": error.kind, "message": error.message, **{k: v for k, v in facts.items() if v is not None}}
