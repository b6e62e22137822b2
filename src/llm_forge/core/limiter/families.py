"""All families a server has reported (R-113 to R-116)."""

from __future__ import annotations

from collections.abc import Sequence

from ..rate_headers import Observed
from .learned import Learned
from .model import NOTHING, Cost, FamilyState

MOST_FAMILIES = 64  # a server may invent names; we do not keep them without end

Marks = Sequence[tuple[Learned, int]]


class Families:
    """The server's families by name."""

    def __init__(self) -> None:
        self._families: dict[str, Learned] = {}

    def __len__(self) -> int:
        return len(self._families)

    def learn(self, observed: Sequence[Observed], now: float) -> None:
        """Take over what a response reports; a family without a remaining count is skipped."""
        for one in observed:
            known = self._families.get(one.family)
            if one.remaining is None:
                continue
            if known is not None:
                known.learn(one, now)
            elif len(self._families) < MOST_FAMILIES:
                self._families[one.family] = Learned(one, now)

    def ready_at(self, cost: Cost, now: float, ahead: Cost = NOTHING) -> float:
        """Until when a call of this cost is held behind what is `ahead` of it; `now` if it is not."""
        ready = now
        for family in self._families.values():
            amount = cost.of(family.unit)
            if amount > 0:
                ready = max(ready, family.ready_at(amount + ahead.of(family.unit), now))
        return ready

    def charge(self, cost: Cost) -> Marks:
        """Count a call that goes out; the marks are for `release`."""
        return [(family, family.charge(cost.of(family.unit))) for family in self._families.values()]

    def release(self, marks: Marks, cost: Cost) -> None:
        """The call ended."""
        for family, epoch in marks:
            family.release(epoch, cost.of(family.unit))

    def states(self, now: float) -> list[FamilyState]:
        """Every family as it stands; remaining is None once its reset has passed."""
        return [
            FamilyState(
                family=one.family,
                unit=one.unit,
                limit=one.limit,
                remaining=one.remaining(now),
                resets_in=None if one.resets_at is None else max(one.resets_at - now, 0.0),
                source="server",
            )
            for one in self._families.values()
        ]
