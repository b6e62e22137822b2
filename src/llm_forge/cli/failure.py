"""The one way a command fails: a message of at most three lines, and an exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..core.errors import ForgeError

FAILED = 1  # a call failed, or a check found something
WRONG = 2  # the command line, a file or the configuration is wrong


class Failure(Exception):  # noqa: N818 - it is printed, not caught by users
    """Ends the command; `message` says what to do, `exit_code` is not 0."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@contextmanager
def failing() -> Iterator[None]:
    """Our errors inside become a Failure: what to correct gets another code than what went wrong."""
    from ..core.errors import ConfigError, ForgeError, InvalidRequestError

    try:
        yield
    except ForgeError as error:
        wrong = isinstance(error, (ConfigError, InvalidRequestError))
        raise Failure(described(error), WRONG if wrong else FAILED) from error


def described(error: ForgeError) -> str:
    """An error in one line: its kind, its message, and the facts that help."""
    from ..core.errors import ConfigError

    if isinstance(error, ConfigError):
        return error.message
    known = {
        "status": error.status,
        "request": error.request_id,
        "the server asks to wait": f"{error.retry_after:g} s" if error.retry_after else None,
        "tried before": ", ".join(f"{one.provider}/{one.model}" for one in error.tried),
    }
    facts = ", ".join(f"{name} {value}" for name, value in known.items() if value)
    return f"{error.kind}: {error.message}{f' ({facts})' if facts else ''}"
