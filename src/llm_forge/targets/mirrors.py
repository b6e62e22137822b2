"""Unions of request parts that also take the parts of answers that they mirror (`Block` for `BlockParam`).

So what a server said can be said again as it is, which is how conversations go on.
"""

from __future__ import annotations

from collections.abc import Collection

from ..spec import ir


def mirrors(api: ir.Api, requested: Collection[str], answered: Collection[str]) -> dict[str, tuple[str, ...]]:
    """By name of a union of requests: the types of answers that it takes too.

    Either the whole union has such a mirror, or single members of it have one.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name in requested:
        members = [one.name for one in members_of(api.types[name].type) if isinstance(one, ir.Ref)]
        whole = _mirror(name, answered) if members else None
        several = [whole] if whole else [_mirror(one, answered) for one in members]
        views = tuple(one for one in several if one is not None)
        if views:
            found[name] = views
    return found


def members_of(found: ir.Type) -> list[ir.Type]:
    """The members of a union; nothing for any other type."""
    if isinstance(found, ir.TaggedUnion):
        return [one for _, one in found.members]
    return list(found.members) if isinstance(found, ir.Union) else []


def _mirror(name: str, answered: Collection[str]) -> str | None:
    mirrored = name.removesuffix("Param")
    return mirrored if mirrored != name and mirrored in answered else None
