"""What every policy is, and the one that sends no credential."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ...core.secrets import Secret
from ..transports.protocol import HttpRequest

if TYPE_CHECKING:
    from ..context import Call


class AuthPolicy:
    """Adds nothing to a request. Policies extend it."""

    source = "none"  # where the credential came from, for `sources()`
    header_names: tuple[str, ...] = ()  # of its own choice, besides the usual ones
    parameter_names: tuple[str, ...] = ()

    async def authorize(self, request: HttpRequest, call: Call, ends: float) -> HttpRequest:  # noqa: ARG002 - for those that wait
        """The request as it goes on the wire; `ends` is when the attempt's timer fires.

        AuthError if the credential cannot be had.
        """
        return request

    def secrets(self) -> Iterable[Secret]:
        """What no text may show, whichever call it belongs to."""
        return ()

    def refused(self, call: Call) -> bool:  # noqa: ARG002 - for those that renew
        """Take note of a 401; whether another attempt would have another credential (R-030)."""
        return False

    def close(self) -> None:
        """End what runs in the background."""


def with_header(request: HttpRequest, name: str, value: str) -> HttpRequest:
    """The request with one more header, unless the caller gave that header itself."""
    for field, _ in request.headers:
        if field == name:
            return request
    return HttpRequest(request.method, request.url, (*request.headers, (name, value)), request.body)
