"""Credentials that do not show themselves (R-004, R-005, R-006)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self, cast

from .errors import ConfigError

REDACTED = "[redacted]"


class Secret:
    """A credential; every way to look at it gives `[redacted]`, only `reveal()` gives the value.

    A pickled secret does not carry its value: the restored one raises ConfigError at `reveal()`.
    """

    __slots__ = ("_fingerprint", "_read")
    _read: Callable[[], str]
    _fingerprint: str | None

    def __init__(self, value: str) -> None:
        # A closure instead of an attribute: debuggers and crash reporters print attributes.
        object.__setattr__(self, "_read", lambda: value)
        object.__setattr__(self, "_fingerprint", None)

    @property
    def fingerprint(self) -> str:
        """What tells secrets apart without telling them: the start of a hash."""
        if self._fingerprint is None:
            from hashlib import sha256

            object.__setattr__(self, "_fingerprint", sha256(self.reveal().encode()).hexdigest()[:8])
        return cast("str", self._fingerprint)

    @classmethod
    def clean(cls, text: str, source: str) -> Self:
        """The secret in `text`, without the white space around it (R-006).

        Raises ConfigError naming `source`, never the value, if it is empty or has a character that
        cannot stand in a header.
        """
        value = text.strip()
        if not value:
            raise ConfigError(f"{source} is empty: set it to the credential")
        for position, char in enumerate(value, 1):
            if not "!" <= char <= "~":
                raise ConfigError(
                    f"{source} holds {_kind(char)} at position {position}: "
                    "a credential is visible ASCII only; copy it again"
                )
        return cls(value)

    def reveal(self) -> str:
        """The credential itself."""
        return self._read()

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a Secret does not change")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a Secret does not change")

    def __repr__(self) -> str:
        return REDACTED

    def __str__(self) -> str:
        return REDACTED

    def __format__(self, spec: str) -> str:
        return format(REDACTED, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        from hmac import compare_digest

        return compare_digest(self.reveal().encode(), other.reveal().encode())

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return (_lost, (self.fingerprint,))


def _lost(fingerprint: str) -> Secret:
    """What a pickle holds of a secret: its fingerprint."""

    def refuse() -> str:
        raise ConfigError("a credential does not travel in a pickle: give the client its key again")

    secret = Secret("")
    object.__setattr__(secret, "_read", refuse)
    object.__setattr__(secret, "_fingerprint", fingerprint)
    return secret


def _kind(char: str) -> str:
    if char == " ":
        return "a space"
    if ord(char) < 0x20 or ord(char) == 0x7F:
        return "a control character"
    return "a character outside visible ASCII"
