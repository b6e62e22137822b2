"""Local rate limiting, fed by declared limits and by what servers report (R-105 to R-122)."""

from .limiter import Limiter
from .model import Cost, Decision, FamilyState, Granted, Limit, Refused, Reservation, Ticket, Wait

__all__ = [
    "Cost",
    "Decision",
    "FamilyState",
    "Granted",
    "Limit",
    "Limiter",
    "Refused",
    "Reservation",
    "Ticket",
    "Wait",
]
