"""Growing JSON: deltas of unknown shape put together by their type (R-161, R-168).

Strings concatenate, numbers and booleans replace, lists append, objects merge; null changes nothing
that is there. Names that label instead of carrying text (`id`, `type`, `role`) keep their first value.

Pieces of text are kept in lists and joined when a result is asked for, so that a stream of n pieces
costs n, not n squared.
"""

from __future__ import annotations

from typing import Any

FIRST_WINS = frozenset({"id", "type", "role"})
LAST_WINS = frozenset({"channel"})  # Groq labels every chunk with the channel it belongs to


class Pieces(list[str]):
    """A string that is still growing."""

    def text(self) -> str:
        """The string so far; joined pieces stay joined, so asking again is cheap."""
        if len(self) > 1:
            self[:] = ["".join(self)]
        return self[0] if self else ""


def merge(target: dict[str, Any], delta: dict[str, Any]) -> None:
    """Add one delta object to a growing object."""
    for name, value in delta.items():
        if type(value) is str:
            _add_string(target, name, value)
        elif value is None:
            target.setdefault(name, None)
        else:
            target[name] = grown(target.get(name), value)


def _add_string(target: dict[str, Any], name: str, value: str) -> None:
    old = target.get(name)
    if name in FIRST_WINS:
        if not old:
            target[name] = value
    elif type(old) is Pieces:
        old.append(value)
    elif name in LAST_WINS:
        target[name] = value
    else:
        target[name] = grown(old, value)


def grown(old: Any, value: Any) -> Any:
    """What a growing value becomes with one more part; `value` itself is never changed."""
    if isinstance(value, dict):
        target = old if isinstance(old, dict) else {}
        merge(target, value)
        return target
    if isinstance(value, list):
        if type(old) is not list:
            return list(value)
        old.extend(value)
        return old
    if isinstance(value, str):
        return Pieces((value,))
    return value


def settled(value: Any) -> Any:
    """A fresh plain JSON value of a growing one."""
    if type(value) is Pieces:
        return value.text()
    if isinstance(value, dict):
        return {name: settled(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [settled(entry) for entry in value]
    return value
