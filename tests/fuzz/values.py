"""Random JSON, and ways to break it."""

from __future__ import annotations

from random import Random
from typing import Any

STRINGS = [
    "",
    "a",
    "stop",
    "é🙂",
    "\u2028",
    '"quoted"',
    "\\",
    "{",
    "[DONE]",
    "\x00",
    "0",
    "text",
    "x" * 40,
    "\n\r",
]
SCALARS: list[Any] = [None, True, False, 0, 1, -1, 2, 0.5, 2**63, 10**30, 1e-7]


def json_value(chance: Random, depth: int = 3) -> Any:
    """Any JSON value, not very deep."""
    kind = chance.random()
    if depth and kind < 0.2:
        return [json_value(chance, depth - 1) for _ in range(chance.randint(0, 3))]
    if depth and kind < 0.45:
        return {chance.choice(STRINGS): json_value(chance, depth - 1) for _ in range(chance.randint(0, 3))}
    return chance.choice(STRINGS) if kind < 0.75 else chance.choice(SCALARS)


def broken(body: bytes, chance: Random) -> bytes:
    """The bytes with some of them cut, changed, doubled or put in."""
    for _ in range(chance.randint(1, 3)):
        at, end = sorted((chance.randint(0, len(body)), chance.randint(0, len(body))))
        middle = chance.choice(
            [b"", bytes([chance.randrange(256)]), body[at:end] * 2, b'"', b"\\u", b"[" * 300]
        )
        body = body[:at] + middle + body[end:] if chance.random() < 0.7 else body[:end]
    return body


def damaged(value: Any, chance: Random) -> Any:
    """A copy of a JSON value with one thing in it replaced, removed or renamed."""
    if not value or not isinstance(value, (list, dict)) or chance.random() < 0.15:
        return json_value(chance)
    if isinstance(value, list):
        at = chance.randrange(len(value))
        return [*value[:at], damaged(value[at], chance), *value[at + 1 :]]
    name = chance.choice(list(value))
    rest = {key: entry for key, entry in value.items() if key != name}
    kind = chance.random()
    if kind < 0.15:
        return rest
    return {**rest, (name if kind < 0.85 else chance.choice(STRINGS)): damaged(value[name], chance)}
