"""The module that a type belongs in: that of the service which alone needs it, else one common to all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

COMMON = "common"
_REST = ""


def homes(needs: Mapping[str, Collection[str]], roots: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """By name: its service or `COMMON`.

    `needs` are the names that each definition mentions, `roots` those that the operations of each service
    mention. What no service reaches is common, with all that it needs; so common needs no other module.
    """
    users: dict[str, set[str]] = {name: set() for name in needs}
    for service, named in roots.items():
        _reach(named, service, needs, users)
    _reach([name for name, found in users.items() if not found], _REST, needs, users)
    return {name: _home(found) for name, found in users.items()}


def _home(users: set[str]) -> str:
    if len(users) > 1:
        return COMMON
    (only,) = users
    return COMMON if only == _REST else only


def _reach(
    roots: Iterable[str], user: str, needs: Mapping[str, Collection[str]], users: dict[str, set[str]]
) -> None:
    waiting = [name for name in roots if name in needs]
    while waiting:
        name = waiting.pop()
        if user not in users[name]:
            users[name].add(user)
            waiting.extend(needs[name])
