"""Which call was made inside a block: for layers above that know more of it than its answer tells."""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from .context import Call

_NOTED: ContextVar[Noted | None] = ContextVar("llm_forge_noted", default=None)


class Noted:
    """The first call that begins in its block, in the same thread or task; the last one of blocks inside.

    It may be entered again: a stream goes on in several blocks.
    """

    __slots__ = ("_token", "call")

    def __init__(self) -> None:
        self.call: Call | None = None

    def __enter__(self) -> Self:
        self._token: Token[Noted | None] = _NOTED.set(self)
        return self

    def __exit__(self, *error: object) -> None:
        outer = None if self._token.old_value is Token.MISSING else self._token.old_value
        _NOTED.reset(self._token)
        if outer is not None and self.call is not None:
            outer.call = self.call


def note(call: Call) -> None:
    """A call begins."""
    noted = _NOTED.get()
    if noted is not None and noted.call is None:  # others begin inside of it, such as one for a token
        noted.call = call
