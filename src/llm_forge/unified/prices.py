"""What a call costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .reply import Usage


@dataclass(frozen=True, slots=True)
class Cost:
    """What a call costs in US dollars, by class of tokens; an estimate from list prices.

    `price_age_days` is the age of the price that was used.
    """

    total: float
    input: float
    output: float
    cached: float = 0.0
    cache_written: float = 0.0
    estimate: bool = True
    price_age_days: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The cost as plain JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def cost_of(provider: str, model: str, usage: Usage | None) -> Cost | None:
    """The cost of a call; None where a price or the usage is not known."""
    del provider, model, usage
    return None
