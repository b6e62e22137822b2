"""The types of answers by the service that needs them, so that using one loads no other's.

A service is a resource directly under the client with all that is under it. What only one needs is in a
module called after it; what several need (or none, because nothing but requests name it) is in `common`,
which therefore needs none of the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..homes import COMMON, homes
from .expressions import Expression, names_in
from .names import Names
from .text import Identifier
from .view import Method, Models, View

EMPTY = Models((), (), ())
_WORD = re.compile(r"\w+")


def split(view: View) -> dict[str, Models]:
    """The types by module, `common` first."""
    services = _services(view)
    roots = {str(service): _named_by_service(view, name) for name, service in services.items()}
    found = homes(_needs(view.models), roots)
    parts = {home: _part(view.models, found, home) for home in (COMMON, *services.values())}
    return {home: part for home, part in parts.items() if part != EMPTY}


def names_of(part: Models) -> tuple[str, ...]:
    """All names that a part defines, sorted."""
    pages = (f"{prefix}{one.name}" for one in part.pages for prefix in ("", "Async"))
    named = (one.name for group in (part.converters, part.classes, part.aliases) for one in group)
    return tuple(sorted([*named, *pages]))


def _services(view: View) -> dict[str, Identifier]:
    """The module of each service, by the first step of its resources' paths."""
    names = Names(frozenset({COMMON, *names_of(view.models)}))
    first = dict.fromkeys(one.path.partition(".")[0] for one in sorted(view.resources, key=lambda r: r.path))
    return {name: names.snake(name) for name in first}


def _part(whole: Models, found: dict[str, str], home: str) -> Models:
    return Models(
        tuple(one for one in whole.converters if found[one.name] == home),
        tuple(one for one in whole.classes if found[one.name] == home),
        tuple(one for one in whole.aliases if found[one.name] == home),
        tuple(one for one in whole.pages if found[one.name] == home),
    )


def _named_by_service(view: View, service: str) -> Iterator[str]:
    for resource in view.resources:
        if resource.path.partition(".")[0] == service:
            for method in resource.methods:
                yield from _named_by(method)


def _named_by(method: Method) -> Iterator[str]:
    """Every name of a type that a method mentions, in its annotations, its operation and its arguments."""
    arguments = [one.type for one in method.arguments]
    for one in (method.result, method.event, method.stream_result, *arguments):
        yield from _names(one)
    yield from _WORD.findall(f"{method.convert} {method.event_convert}")
    if method.page is not None:
        yield method.page.name
        yield from _names(method.page.item)


def _needs(models: Models) -> dict[str, set[str]]:
    """By name: the names that its definition mentions."""
    found: dict[str, set[str]] = {}
    for converter in models.converters:
        makers = " ".join([*(maker for _, maker in converter.cases), *converter.others])
        found[converter.name] = set(_WORD.findall(makers))
    for one in models.classes:
        words = _WORD.findall(" ".join(part.convert or "" for part in one.attributes))
        found[one.name] = {*words, *(name for part in one.attributes for name in _names(part.type))}
    found |= {one.name: set(_names(one.type)) for one in models.aliases}
    found |= {one.name: {one.answer, *_names(one.item)} for one in models.pages}
    return {name: {one for one in needed if one in found} for name, needed in found.items()}


def _names(made: Expression | None) -> Iterator[str]:
    return (one.name for one in names_in(made)) if made is not None else iter(())
