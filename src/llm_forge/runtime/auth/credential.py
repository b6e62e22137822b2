"""A secret that is given, or asked for at each attempt (R-006, R-007)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import AuthError, ConfigError, ForgeError
from ...core.secrets import Secret

if TYPE_CHECKING:
    from ..io import Io

KeySource = str | Secret | Path | Callable[[], Any]
LONGEST_FILE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Credential:
    """A fixed secret, or a function that is asked once per attempt.

    `ask` may be async for an async client. `slow` marks one that blocks (a command, a keyring) and is
    therefore asked outside the event loop.
    """

    secret: Secret | None = None
    ask: Callable[[], Any] | None = None
    source: str = "client argument"
    slow: bool = False

    async def current(self, io: Io) -> Secret:
        """The secret for this attempt; a function's failure is AuthError with its cause (R-007)."""
        if self.secret is not None:
            return self.secret
        if self.ask is None:
            raise AuthError("There is no credential to send")
        try:
            answer = await (io.offload(self.ask) if self.slow else io.ask(self.ask))
        except ForgeError:
            raise
        except Exception as error:
            raise AuthError(
                f"The credential could not be obtained ({self.source}): {type(error).__name__}"
            ) from error
        return _checked(answer, self.source)


def _checked(answer: Any, source: str) -> Secret:
    if isinstance(answer, Secret):
        return answer
    if not isinstance(answer, str):
        raise AuthError(
            f"The credential's function ({source}) returned {type(answer).__name__}, expected a string"
        )
    try:
        return Secret.clean(answer, f"the function's result ({source})")
    except ConfigError as error:
        raise AuthError(error.message) from None


def seal(holder: object, name: str, owner: str) -> None:
    """Put a Secret in place of a field's text, so that no form of `holder` shows it (R-004).

    ConfigError for text that cannot stand in a header (R-006).
    """
    value = getattr(holder, name)
    if isinstance(value, str):
        object.__setattr__(holder, name, Secret.clean(value, f"{owner}.{name}"))


def credential_from(value: Any, name: str, source: str = "client argument") -> Credential:
    """The credential in an option: text, a Secret, a Path of a file that holds it, or a function.

    ConfigError names the option, never the value.
    """
    if isinstance(value, Credential):
        return value
    if isinstance(value, Secret):
        return Credential(value, source=source)
    if isinstance(value, Path):
        return Credential(read_secret_file(value, name), source=f"{source}, file {value}")
    if isinstance(value, str):
        return Credential(Secret.clean(value, name), source=source)
    if callable(value):
        return Credential(ask=value, source=source)
    raise ConfigError(f"{name} must be a string, a Path or a function, not {type(value).__name__}")


def read_secret_file(path: Path, name: str) -> Secret:
    """The credential in a file, without the white space around it (R-006)."""
    try:
        with path.expanduser().open("rb") as file:
            content = file.read(LONGEST_FILE + 1)
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ConfigError(f"{name} cannot be read from the file {path}: {reason}") from None
    if len(content) > LONGEST_FILE:
        raise ConfigError(f"{name} cannot be read from the file {path}: it is larger than a credential")
    return Secret.clean(text, f"{name} in the file {path}")
