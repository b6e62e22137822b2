"""Which models share a limit (R-105).

Rules:
- A limit's `models` is a pattern, and names a family; all limits of the same pattern belong to it.
- A model belongs to the first pattern, in the order of declaration, that matches its whole name; `*` stands
  for any text, every other character for itself.
- Limits without a pattern hold for each model that belongs to no family, on its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from .model import Limit


def family_of(model: str, limits: Sequence[Limit]) -> str | None:
    """The pattern of the family that a model belongs to; None for a model on its own."""
    for limit in limits:
        if limit.models is not None and matches(limit.models, model):
            return limit.models
    return None


def limits_of(family: str | None, limits: Sequence[Limit]) -> tuple[Limit, ...]:
    """The limits of a family, or those of each model without one."""
    return tuple(limit for limit in limits if limit.models == family)


def matches(pattern: str, model: str) -> bool:
    """Whether a pattern covers a model's name; linear in both, as each part takes its first place."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == model
    *middle, last = rest
    if not model.startswith(first) or not model.endswith(last) or len(model) < len(first) + len(last):
        return False
    at, end = len(first), len(model) - len(last)
    for part in middle:
        found = model.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
