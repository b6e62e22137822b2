"""Whether a provider answers, without an exception to catch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core.breaker import State
from ..core.errors import ConfigError, ForgeError
from ..core.profile import Operation, Profile


@dataclass(frozen=True, slots=True)
class Health:
    """What one cheap call showed, and what the client knows besides.

    `latency` is in seconds. `error` is the kind of what went wrong, such as `ConnectError`, `status` the
    server's if it answered; both are None where `ok`. `circuits` are states by name, `limits` as
    `rate_limit_status()` gives them.
    """

    ok: bool
    latency: float
    error: str | None = None
    status: int | None = None
    message: str | None = None
    circuits: Mapping[str, State] = field(default_factory=dict)
    limits: Mapping[str, Sequence[Any]] = field(default_factory=dict)


def probe_of(profile: Profile) -> Operation[None, None]:
    """The call that shows whether the API works; ConfigError if the description names none."""
    probe = profile.health
    if probe is None:
        raise ConfigError(
            f"The description of {profile.name} names no operation for health_check(): say x-forge health"
        )
    return Operation(probe.name, "GET", probe.path, _nothing, group=probe.group, answer="json")


def _nothing(_: Any) -> None:
    """The answer is read and not kept."""


def failure(error: ForgeError) -> dict[str, Any]:
    """What of an error goes into a `Health`."""
    return {"error": error.kind, "status": error.status, "message": error.message}
