"""Local rate limiting, fed by declared limits and by what servers report (R-105 to R-122)."""

from .limiter import Limiter, Oversize
from .meters import Mode
from .model import (
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
from .model_families import family_of, limits_of

__all__ = [
    "Cost",
    "Decision",
    "FamilyState",
    "Granted",
    "Health",
    "Limit",
    "Limiter",
    "Mode",
    "Oversize",
    "Refused",
    "Reservation",
    "Result",
    "Ticket",
    "Wait",
    "family_of",
    "limits_of",
]
