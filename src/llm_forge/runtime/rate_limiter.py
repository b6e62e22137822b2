"""The limits of one credential: a limiter for each model family, and one for each model outside of any."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..core.lazy import LateModule

if TYPE_CHECKING:
    from ..core import limiter as limiting
    from ..core.limiter import FamilyState, Limit, Mode, Oversize
    from .gate import Gate
else:
    limiting = LateModule("..core.limiter", __package__)

MODELS_KEPT = 1000
NO_LIMITS = ((), "bucket", None, "refuse", False, None)  # what makes sense without a look


class RateLimiter:
    """Limits that several clients share; without one every client has its own (R-105).

    Give it to the clients of one credential as `rate_limiter`: what one of them sends, or learns from the
    server, counts for all. Threads and event loops may share it. The parameters are those of the client's
    options: `limits`, `limiter_mode`, `concurrency`, `oversize`, `adaptive_concurrency` and
    `adaptive_throttle`. ConfigError for values that make no sense.
    """

    def __init__(
        self,
        limits: Sequence[Limit] = (),
        *,
        mode: Mode = "bucket",
        concurrency: int | None = None,
        oversize: Oversize = "refuse",
        adaptive_concurrency: bool = False,
        adaptive_throttle: float | None = None,
    ) -> None:
        self._limits = tuple(limits)
        self._mode: Mode = mode
        self._concurrency = concurrency
        self._oversize: Oversize = oversize
        self._adaptive = adaptive_concurrency
        self._throttle = adaptive_throttle
        self._lock = threading.Lock()
        self._gates: OrderedDict[str, Gate] = OrderedDict()
        if (self._limits, mode, concurrency, oversize, adaptive_concurrency, adaptive_throttle) != NO_LIMITS:
            self._make(self._limits)  # a value that makes no sense is told now, not at the first call

    def gate(self, model: str | None, elsewhere: str | None = None) -> Gate:
        """The limiter of a model or its family; the least recently used go beyond a thousand.

        `elsewhere` is an origin that the declared limits are not about; what it says holds for it alone.
        """
        name = model or ""
        family = None if elsewhere else limiting.family_of(name, self._limits)
        key = elsewhere or (name if family is None else family)
        with self._lock:
            gate = self._gates.get(key)
            if gate is None:
                limits = () if elsewhere else limiting.limits_of(family, self._limits)
                gate = self._gates[key] = self._make(limits)
                if len(self._gates) > MODELS_KEPT:
                    self._gates.popitem(last=False)
            else:
                self._gates.move_to_end(key)
            return gate

    def status(self, now: float) -> dict[str, list[FamilyState]]:
        """What is known of the limits, by model or family."""
        with self._lock:
            gates = dict(self._gates)
        return {key: gate.snapshot(now) for key, gate in gates.items()}

    def _make(self, limits: Sequence[Limit]) -> Gate:
        from .gate import Gate

        limiter = limiting.Limiter(
            limits,
            mode=self._mode,
            concurrency=self._concurrency,
            oversize=self._oversize,
            adaptive=self._adaptive,
            throttle=self._throttle,
        )
        return Gate(limiter, threading.Lock())

    def __repr__(self) -> str:
        return f"RateLimiter({len(self._limits)} limits)"
