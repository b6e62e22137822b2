"""Durations as servers write them and as users give them (R-011, R-114)."""

from __future__ import annotations

import math
import re

from .errors import ConfigError

LONGEST_TEXT = 64  # characters; a longer header value is not a duration
SHORTEST = 0.001

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
# Units in falling order, each at most once. Both ways to write the micro sign are in use.
_UNITS = (("h", 3600.0), ("m", 60.0), ("s", 1.0), ("ms", 1e-3), ("(?:us|µs|μs)", 1e-6), ("ns", 1e-9))
_COMPOUND = re.compile("".join(rf"(?:([0-9]+(?:\.[0-9]+)?){unit})?" for unit, _ in _UNITS))


def parse_number(text: str | None) -> float | None:
    """A plain non-negative decimal number, None for anything else: signs, exponents, NaN, over-long text."""
    if text is None or len(text) > LONGEST_TEXT:
        return None
    text = text.strip(" \t")
    return float(text) if _NUMBER.fullmatch(text) else None


def parse_duration(text: str) -> float | None:
    """Seconds of a duration such as `1h2m3s`, `106.66ms` or `60`; None if it is not one (R-114)."""
    plain = parse_number(text)
    if plain is not None or len(text) > LONGEST_TEXT:
        return plain
    text = text.strip(" \t")
    found = _COMPOUND.fullmatch(text)
    if not text or found is None:
        return None
    parts = zip(found.groups(), _UNITS, strict=True)
    return sum(float(count) * seconds for count, (_, seconds) in parts if count is not None)


def check_seconds(name: str, value: float | None, *, allow_none: bool = False) -> float | None:
    """The value in seconds, if the option `name` may have it; ConfigError otherwise (R-011).

    Allowed are finite numbers from 0.001 (1 ms) up, and None where the option documents it.
    """
    if value is None and allow_none:
        return None
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if value is not None and number and math.isfinite(value) and value >= SHORTEST:
        return float(value)
    none = ", or None for no limit" if allow_none else ""
    raise ConfigError(f"{name} must be a number of seconds of at least {SHORTEST}{none}, not {value!r}")
