"""A sliding window: in no interval of one period is more than the limit admitted (R-107)."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from .model import Limit

# Charges closer together than this share of a period are kept as one and expire with the last of them: never
# too early, at most 1 % of a period too late, and the log has a bounded length whatever the traffic.
GRAIN = 0.01


@dataclass(slots=True, eq=False)
class _Charged:
    first: float
    last: float
    amount: float


class Window:
    """A log of what was admitted in the last period."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.capacity = limit.amount
        self._log: deque[_Charged] = deque()
        self._used = 0.0
        self._noise = limit.amount * 1e-9

    def balance(self, now: float) -> float:
        """Units available now."""
        while self._log and self._log[0].last + self.limit.period <= now:
            self._used -= self._log.popleft().amount
        if not self._log:
            self._used = 0.0
        return self.capacity - self._used

    def ready_at(self, amount: float, now: float) -> float:
        """The instant at which `amount` can be taken, if nobody else takes anything; `now` if it can be now.

        More than the capacity is projected as whole periods and a rest.
        """
        free = self.balance(now)
        if amount <= free + self._noise:
            return now
        periods = max(math.ceil(amount / self.capacity - 1e-9) - 1, 0)
        return periods * self.limit.period + self._freed_at(amount - periods * self.capacity - free, now)

    def _freed_at(self, missing: float, now: float) -> float:
        for charged in self._log:
            if missing <= self._noise:
                return now
            missing -= charged.amount
            if missing <= self._noise:
                return charged.last + self.limit.period
        return now

    def step(self, _amount: float) -> float:
        """0.0: a window frees what it admitted in lumps, at no pace of its own."""
        return 0.0

    def charge(self, amount: float, now: float) -> _Charged:
        """Take `amount`; the mark is for `correct`."""
        self._used = self.capacity - self.balance(now) + amount
        newest = self._log[-1] if self._log else None
        if newest is not None and now - newest.first <= self.limit.period * GRAIN:
            newest.amount += amount
            newest.last = max(newest.last, now)
            return newest
        charged = _Charged(now, now, amount)
        self._log.append(charged)
        return charged

    def correct(self, mark: _Charged, change: float, now: float) -> None:
        """Charge `change` more after the fact, or give it back if negative.

        What is given back belongs to the instant of the charge and is void once that has left the window; an
        excess counts from now.
        """
        self.balance(now)
        if change > 0:
            self.charge(change, now)
        elif mark.last + self.limit.period > now:
            mark.amount += change
            self._used += change

    def full_in(self, now: float) -> float:
        """Seconds until nothing of the window is used."""
        self.balance(now)
        return self._log[-1].last + self.limit.period - now if self._log else 0.0
