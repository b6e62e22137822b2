"""What an answer must have, for runtimes that check it where a caller is strict (R-200)."""

from __future__ import annotations

from collections.abc import Iterator

from ..spec import ir

_DEEPEST_REQUIRED = 3


def required_paths(
    api: ir.Api, found: ir.Type, path: str = "", depth: int = _DEEPEST_REQUIRED
) -> Iterator[str]:
    """The dotted path of each required field of an answer, with `*` for the entries of a list."""
    found = api.resolve(found)
    if isinstance(found, ir.Nullable):
        found = api.resolve(found.inner)
    if isinstance(found, ir.ListType):
        yield from required_paths(api, found.item, f"{path}*.", depth)
    if not isinstance(found, ir.ObjectType) or not depth:
        return
    for one in found.properties:
        if "." in one.name or one.name == "*":
            continue
        if one.required and not one.write_only:
            yield path + one.name
        yield from required_paths(api, one.type, f"{path}{one.name}.", depth - 1)
