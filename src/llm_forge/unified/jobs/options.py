"""What a user may say about a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Literal, Protocol, TypedDict

from ...core.errors import ConfigError
from ...runtime.clock import Clock
from .committing import Offload
from .items import Outcome
from .progress import Progress

Engine = Literal["local", "provider"]
_LEASE = 60.0  # seconds, of workers elsewhere
Again = Literal["failed", "cancelled", "all"]


class WorkerEngine(Protocol):
    """Works a job off by workers elsewhere, such as `llm_forge.integrations.ray.RayEngine`.

    `finish` returns when every item has its outcome, and raises what stopped the run.
    """

    async def finish(self, path: Path, llm: str, settings: RunSettings) -> None:
        """Run the job in the file at `path`, whose inputs are there, with the model `llm`."""


class RunOptions(TypedDict, total=False):
    """How a job is run; all may be left out.

    `engine` is "local", or "provider" for the provider's batch API, which is slower and cheaper, or an object
    that has workers on other machines, such as `llm_forge.integrations.ray.RayEngine`. `parameters`
    go with every call, under the provider's own names. `out` is a file for the outcomes in input order,
    .parquet or JSON Lines. At most `concurrency` [8] calls are in flight, fewer while the server is
    overloaded. An item whose call failed by something that time may cure goes again after all others,
    `passes` [3] times in all. With a `lease`, in seconds, other processes may run the job at the same time:
    so long after one died, the others take over its items; 60 is a good one. `fail_fast` cancels the rest
    when an item fails. `again` sends ended items again: those that failed, were cancelled, or both.
    `requests_per_minute` and `tokens_per_minute` are limits beside those that the server tells. `stream` asks
    for streams, which shows how soon the first token came. `on_outcome` is called with each outcome once it
    is durable, as they come, `on_progress` with how far the run has come. `options` are those of the client.
    `clock` and `offload`, which runs a function off the event loop, are for tests.
    """

    engine: Engine | WorkerEngine
    parameters: Mapping[str, Any]
    out: str | PathLike[str] | None
    concurrency: int
    passes: int
    lease: float | None
    fail_fast: bool
    again: Again | None
    requests_per_minute: float | None
    tokens_per_minute: float | None
    stream: bool
    on_outcome: Callable[[Outcome], Any] | None
    on_progress: Callable[[Progress], Any] | None
    options: Mapping[str, Any]
    clock: Clock
    offload: Offload


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """The options with their defaults. ConfigError for a value that makes no sense."""

    engine: Engine | WorkerEngine = "local"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    out: str | PathLike[str] | None = None
    concurrency: int = 8
    passes: int = 3
    lease: float | None = None
    fail_fast: bool = False
    again: Again | None = None
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    stream: bool = False
    on_outcome: Callable[[Outcome], Any] | None = None
    on_progress: Callable[[Progress], Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    offload: Offload | None = None

    def __post_init__(self) -> None:
        for name in ("concurrency", "passes"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ConfigError(f"{name} must be a whole number of at least 1, not {value!r}")
        if isinstance(self.engine, str) and self.engine not in ("local", "provider"):
            raise ConfigError(
                "engine must be local or provider, or a RayEngine of llm_forge.integrations.ray, "
                f"not {self.engine!r}"
            )
        if self.lease is None and not isinstance(self.engine, str):
            object.__setattr__(self, "lease", _LEASE)
        if self.lease is not None and (self.engine == "provider" or self.fail_fast or not self.lease > 0):
            raise ConfigError("lease is seconds above 0, not for the provider engine, and without fail_fast")
        if self.again not in (None, "failed", "cancelled", "all"):
            raise ConfigError(f"again must be failed, cancelled or all, not {self.again!r}")

    @property
    def kind(self) -> Engine:
        """How the job file is kept: what workers elsewhere began, local ones may run on with."""
        return self.engine if isinstance(self.engine, str) else "local"
