"""Which page of a list follows an answer (R-203).

Rules of this file:
- A list ends where the answer says so, or where a page is empty; an answer that says there is more, and
  not where, is an error: a list is never silently short.
- Every step has a mark; a mark that comes again is a server that goes round in circles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import InvalidResponseError
from .profile import PageRule


@dataclass(frozen=True, slots=True)
class NextPage:
    """The parameter to set for the next page, or the URL of it."""

    param: str = ""
    value: Any = None
    url: str = ""

    @property
    def mark(self) -> tuple[str, str]:
        """What tells this step from every other."""
        return (self.param, self.url or str(self.value))


def at(value: Any, path: str) -> Any:
    """What stands at a dotted path of JSON, None if nothing does."""
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def items_of(rule: PageRule, answer: Mapping[str, Any]) -> list[Any]:
    """The items of a page, as JSON."""
    found = at(answer, rule.items)
    return found if isinstance(found, list) else []


def next_page(rule: PageRule, answer: Mapping[str, Any], given: Mapping[str, Any]) -> NextPage | None:
    """How to ask for the page after `answer`, None at the end; `given` are the parameters it was asked with.

    Raises InvalidResponseError where more is announced and cannot be asked for.
    """
    if rule.more and not at(answer, rule.more):
        return None
    items = items_of(rule, answer)
    match rule.style:
        case "after-id" | "before-id":
            return _by_id(rule, items, given)
        case "cursor":
            return _by_cursor(rule, answer, given)
        case "page":
            return _by_number(rule, answer, items, given)
        case "link":
            url = at(answer, rule.next)
            return NextPage(url=url) if isinstance(url, str) and url else None


def _by_cursor(rule: PageRule, answer: Mapping[str, Any], given: Mapping[str, Any]) -> NextPage | None:
    cursor = at(answer, rule.next)
    if cursor not in (None, ""):
        return NextPage(rule.param, cursor)
    if rule.otherwise is not None:
        return next_page(rule.otherwise, answer, given)
    if rule.more:
        raise InvalidResponseError(f"The list goes on, but there is no cursor at {rule.next}")
    return None


def _by_id(rule: PageRule, items: list[Any], given: Mapping[str, Any]) -> NextPage | None:
    if not items:
        return None
    backwards = rule.style == "before-id" or (rule.before and given.get(rule.before) is not None)
    param = rule.before if backwards and rule.before else rule.param
    found = at(items[0 if backwards else -1], rule.id)
    if found is None:
        raise InvalidResponseError(f"The list goes on, but its item at the end has no {rule.id}")
    return NextPage(param, found)


def _by_number(
    rule: PageRule, answer: Mapping[str, Any], items: list[Any], given: Mapping[str, Any]
) -> NextPage | None:
    if not items:
        return None
    number = _whole(given.get(rule.param), rule.start)
    size = _whole(given.get(rule.size_param), len(items))
    total = at(answer, rule.total) if rule.total else None
    if isinstance(total, int) and (number - rule.start + 1) * size >= total:
        return None
    return NextPage(rule.param, number + 1)


def _whole(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise
