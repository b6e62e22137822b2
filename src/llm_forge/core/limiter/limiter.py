"""Who may send, who waits and for how long (R-106 to R-119).

How to run it (it holds no lock and sleeps nowhere; its owner does):

- `reserve` answers `Granted`, `Refused` or `Wait`. After `Wait`, sleep until its instant and `claim`; the
  answer may be another, later `Wait` with the same ticket, which keeps its place.
- First in, first out: only the head of the queue can be granted (R-111). Whatever may free the head early
  (`settle`, `cancel`, `learn`, a claim that was granted or refused) changes `version`; the owner then wakes
  the waiter of `head()`, who claims. Register a waiter for that before the lock held for its `reserve` or
  `claim` is released, or the wake-up may be lost.
- A waiter that gives up calls `cancel`; a reservation is settled exactly once.

All instants are absolute monotonic seconds.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ..errors import ConfigError
from ..rate_headers import Observed
from .adaptive import AdaptiveConcurrency, AdaptiveThrottle
from .families import Families
from .meters import Meters, Mode
from .model import (
    NOTHING,
    Cost,
    Decision,
    FamilyState,
    Granted,
    Health,
    Limit,
    Refused,
    Reservation,
    Result,
    Ticket,
    Wait,
)
from .release import Release

POOL_SIZE = 100  # connections of a client by default: the most that adaptive concurrency allows
NOISE = 1e-6  # seconds of float noise in a comparison of waits
# A waiter behind the head is woken by the head's grant; its own timer is only a second line.
BEHIND_HEAD = 0.010
Oversize = Literal["refuse", "admit-when-full"]
_UNCOUNTED = 0  # the id of reservations that charged nothing
_HEALTH: Mapping[Result, Health] = {"done": "good", "throttled": "overload"}


class Limiter:
    """One queue before any set of limits, the server's reports, a pause and a concurrency limit.

    `max_wait` is in seconds; `concurrency` counts reservations until they are settled (R-119). With
    `oversize="admit-when-full"` a request larger than a limit goes out when that limit is untouched, and
    leaves a debt (R-110). `adaptive` lets the concurrency follow the server's health between 1 and
    `concurrency` (R-120); `throttle` is the K of R-121, None for off. ConfigError for a concurrency below 1.
    """

    def __init__(
        self,
        limits: Sequence[Limit] = (),
        *,
        mode: Mode = "bucket",
        max_wait: float = 60.0,
        concurrency: int | None = None,
        oversize: Oversize = "refuse",
        adaptive: bool = False,
        throttle: float | None = None,
    ) -> None:
        if concurrency is not None and concurrency < 1:
            raise ConfigError(f"concurrency must be at least 1, or None for no limit, not {concurrency!r}")
        self.version = 0
        self._meters = Meters(limits, mode)
        self._families = Families()
        self._max_wait = max_wait
        self._concurrency = POOL_SIZE if adaptive and concurrency is None else concurrency
        self._adaptive = AdaptiveConcurrency(self._concurrency) if adaptive and self._concurrency else None
        self._throttle = None if throttle is None else AdaptiveThrottle(throttle)
        self._admits_oversize = oversize == "admit-when-full"
        self._queue: OrderedDict[Ticket, Cost] = OrderedDict()
        self._queued = NOTHING
        self._open: dict[int, tuple[Any, Any]] = {}
        self._paused_until = -math.inf
        self._release = Release()
        self._last_id = _UNCOUNTED

    def reserve(
        self,
        cost: Cost,
        now: float,
        *,
        left: float | None = None,
        max_wait: float | None = None,
        chance: float = 1.0,
    ) -> Decision:
        """Leave to send, a place in the queue, or a refusal; `left` is the seconds to the deadline.

        All limits are charged together or none is (R-106). `max_wait` is this call's own, None the limiter's.
        `chance` in [0, 1] is for adaptive throttling.
        """
        if self._throttle is not None and self._throttle.rejects(now, chance):
            return Refused(0.0, "throttled")
        if not self._queue and self._is_unlimited(now):
            return Granted(Reservation(_UNCOUNTED, cost))
        if not self._admits_oversize and self._meters.is_too_large(cost):
            return Refused(0.0, "too-large")
        if not self._queue and self._head_ready_at(cost, now) <= now:
            return self._grant(cost, now)
        return self._enqueue(cost, now, self._longest(left, max_wait))

    def claim(
        self, ticket: Ticket, now: float, *, left: float | None = None, max_wait: float | None = None
    ) -> Decision:
        """The decision on a waiter whose time has come; KeyError for a ticket that is not waiting.

        Only the head is granted; only the head is refused, if from now on it would wait longer than
        `max_wait` or its time left, as after a new pause.
        """
        cost = self._queue[ticket]
        ready = self._head_ready_at(cost, now)
        if ticket != self.head():
            return Wait(ticket, max(ready, now + BEHIND_HEAD))
        if ready <= now:
            self._leave(ticket)
            self._release.granted(self._meters.step(cost), len(self._queue), now)
            return self._grant(cost, now)
        if self._is_too_long(ready - now, self._longest(left, max_wait)):
            self.cancel(ticket, now)
            return Refused(ready - now, "wait")
        self._note_hold(cost, now)
        return Wait(ticket, ready)

    def cancel(self, ticket: Ticket, now: float) -> None:  # noqa: ARG002 - every change names its instant
        """A waiter gives up and leaves no hole (R-111); tickets that do not wait are ignored."""
        if ticket not in self._queue:
            return
        self._leave(ticket)
        if not self._queue:
            self._release = Release()  # nobody is left of those who were held

    def settle(
        self,
        reservation: Reservation,
        now: float,
        *,
        used: Cost | None,
        result: Result,
        health: Health | None = None,
    ) -> None:
        """End a reservation with what it really used (R-108, R-109); a second time changes nothing.

        `unsent` gives everything back, `throttled` all but the request; `done` and `cancelled` charge the
        tokens `used` instead of the estimate, which stands where `used` is None. `health` feeds the adaptive
        limits; left out, `done` is good and `throttled` is overload.
        """
        marks = self._open.pop(reservation.id, None)
        if marks is None:
            return
        metered, reported = marks
        self._meters.settle(metered, reservation.cost, used, result, now)
        self._families.release(reported, reservation.cost)
        self._adapt(health or _HEALTH.get(result, "unknown"), now)
        self.version += 1

    def head(self) -> Ticket | None:
        """The only waiter that can be granted next; None if nobody waits."""
        return next(iter(self._queue), None)

    def next_change(self, now: float) -> float | None:
        """When the head may be granted; None if nobody waits or only another call's end can free it."""
        head = self.head()
        ready = math.inf if head is None else self._head_ready_at(self._queue[head], now)
        return None if ready == math.inf else ready

    def pause(self, until: float, now: float) -> None:
        """Hold all new sends until then; the latest of several pauses counts (R-117)."""
        if now < until < math.inf:
            self._paused_until = max(self._paused_until, until)
            self.version += 1

    def learn(self, observed: Sequence[Observed], now: float) -> None:
        """Take over what a response reports (R-113 to R-116)."""
        self._families.learn(observed, now)
        self.version += 1

    def snapshot(self, now: float) -> list[FamilyState]:
        """Every limit as it stands: the declared ones, then the server's."""
        return self._meters.states(now) + self._families.states(now)

    def _is_unlimited(self, now: float) -> bool:
        nothing = not self._meters and not self._families and self._concurrency is None
        return nothing and now >= self._paused_until and self._throttle is None

    def _adapt(self, health: Health, now: float) -> None:
        if self._adaptive is not None and health == "good":
            self._adaptive.succeed()
        elif self._adaptive is not None and health == "overload":
            self._adaptive.overload(now)
        if self._throttle is not None and health == "good":
            self._throttle.accept(now)

    def _is_crowded(self, ahead: int = 0) -> bool:
        """Whether so many calls are in flight, with those ahead, that another's end must come first."""
        most = self._concurrency if self._adaptive is None else self._adaptive.limit
        return most is not None and len(self._open) + ahead >= most

    def _head_ready_at(self, cost: Cost, now: float) -> float:
        """When a head of this cost could go, `now` if it can; infinite if another call must end first."""
        if self._is_crowded():
            return math.inf
        held = max(self._held_until(cost, now), self._release.not_before)
        return max(held, self._meters.ready_at(cost, now))

    def _held_until(self, cost: Cost, now: float, ahead: Cost = NOTHING) -> float:
        """The end of the pause and of the server's windows that hold this cost."""
        return max(self._paused_until, self._families.ready_at(cost, now, ahead), now)

    def _note_hold(self, cost: Cost, now: float) -> None:
        if self._held_until(cost, now) > now:
            self._release.arm()

    def _enqueue(self, cost: Cost, now: float, longest: float) -> Decision:
        ready = self._projection(cost, now)
        if self._is_too_long(ready - now, longest):
            return Refused(ready - now, "wait")
        self._note_hold(cost, now)
        ticket = Ticket(self._next_id())
        ahead = len(self._queue)
        self._queue[ticket] = cost
        self._queued += cost
        if self._is_crowded(ahead):
            return Wait(ticket, math.inf)
        return Wait(ticket, max(ready, now + BEHIND_HEAD) if ahead else ready)

    def _projection(self, cost: Cost, now: float) -> float:
        """When a new waiter may expect to go behind all others, the ends of other calls left aside."""
        ready = max(self._held_until(cost, now, self._queued), self._meters.ready_at(cost, now, self._queued))
        released = max(self._held_until(cost, now), self._release.not_before)
        if released > now:
            delay = self._release.delay(len(self._queue), self._meters.step(cost))
            ready = max(ready, released + delay)
        return ready

    def _longest(self, left: float | None, max_wait: float | None) -> float:
        """The longest wait that a call accepts: its own or the limiter's, and never beyond its deadline."""
        accepted = (self._max_wait if max_wait is None else max_wait) + NOISE
        return accepted if left is None else min(left, accepted)

    def _is_too_long(self, wait: float, longest: float) -> bool:
        # The end of another call cannot be foreseen; the deadline bounds that wait.
        return longest < wait < math.inf

    def _leave(self, ticket: Ticket) -> None:
        cost = self._queue.pop(ticket)
        self._queued = self._queued - cost if self._queue else NOTHING
        self.version += 1

    def _grant(self, cost: Cost, now: float) -> Granted:
        reservation = Reservation(self._next_id(), cost)
        self._open[reservation.id] = (self._meters.charge(cost, now), self._families.charge(cost))
        return Granted(reservation)

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id
