"""Durations as the vendors write them in rate-limit headers: `0s`, `6ms`, `25.542s`, `1h8m25.745s`."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """A duration in the vendors' form."""
    if seconds <= 0:
        return "0s"
    if seconds < 1:
        return f"{max(1, round(seconds * 1000))}ms"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{head}{rest:.3f}".rstrip("0").rstrip(".") + "s"
