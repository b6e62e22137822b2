"""Which named types requests need and which responses need; many are needed by both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..spec import ir


def parts(found: ir.Type) -> Iterator[ir.Type]:
    """The types directly inside a type."""
    if isinstance(found, ir.ListType):
        yield found.item
    elif isinstance(found, ir.MapType):
        yield found.value
    elif isinstance(found, ir.Nullable):
        yield found.inner
    elif isinstance(found, ir.ObjectType):
        yield from (one.type for one in found.properties)
        if found.extra is not None:
            yield found.extra
    elif isinstance(found, ir.Union):
        yield from found.members
    elif isinstance(found, ir.TaggedUnion):
        yield from (one for _, one in found.members)


def reachable(api: ir.Api, roots: Iterable[ir.Type], *, writing: bool) -> list[str]:
    """Names of all types that `roots` need, sorted; fields that do not travel that way do not count."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        one = waiting.pop()
        if isinstance(one, ir.Ref):
            if one.name not in found:
                found.add(one.name)
                waiting.append(api.types[one.name].type)
        elif isinstance(one, ir.ObjectType):
            waiting.extend(p.type for p in travelling(one, writing=writing))
        else:
            waiting.extend(parts(one))
    return sorted(found)


def travelling(found: ir.ObjectType, *, writing: bool) -> list[ir.Property]:
    """The fields of an object that a request (or a response) may carry."""
    return [p for p in found.properties if not (p.read_only if writing else p.write_only)]
