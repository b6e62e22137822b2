"""The one way a command fails: a message of at most three lines, and an exit code."""

from __future__ import annotations


class Failure(Exception):  # noqa: N818 - it is printed, not caught by users
    """Ends the command; `message` says what to do, `exit_code` is not 0."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code
