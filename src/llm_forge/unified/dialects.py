"""The forms of requests and answers, by the name that descriptions give them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from . import blocks_form, chat_form
from .ask import Ask
from .capabilities import Target
from .form import check, plain_parameters
from .reply import Piece, Reply


class PieceReader(Protocol):
    """Reads the events of one stream."""

    def read(self, data: Any, /) -> Piece:
        """What an event brings; an empty piece for nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Dialect:
    """One form: how requests are written, and answers and streams read."""

    write: Callable[[Ask, Target], dict[str, Any]]
    read: Callable[..., Reply]  # (view, target, **facts of the reply that are not in its content)
    pieces: Callable[[], PieceReader]


DIALECTS: Mapping[str, Dialect] = {
    "blocks": Dialect(blocks_form.write, blocks_form.read, blocks_form.Pieces),
    "chat": Dialect(chat_form.write, chat_form.read, chat_form.Pieces),
}


def request_of(ask: Ask, target: Target, *, streaming: bool) -> dict[str, Any]:
    """The arguments of the call: InvalidRequestError for what the API has no word for.

    The provider's own parameters win over ours; a stream asks for its usage where that is needed.
    """
    check(ask, target)
    body = {**plain_parameters(ask, target), **DIALECTS[target.can.dialect].write(ask, target)}
    if streaming:
        body |= target.can.stream_usage
    return {"model": target.model, **body, **ask.native}
