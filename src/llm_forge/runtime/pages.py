"""Pages of a list: each is the answer as it came, and knows how to get the next one (R-203).

Rules of this file:
- Every page is an ordinary call, with the options of the first, and is asked for when it is needed.
- A link is followed to the client's own origin only.
- A page that the server sends twice is an error, not an endless list.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Self, TypeVar
from urllib.parse import urljoin

from ..core.errors import InvalidRequestError, InvalidResponseError
from ..core.paging import NextPage, next_page
from ..core.profile import Operation, PageRule
from ..core.views import Field, View
from .base_url import origin_of
from .options import CallOptions, Omit
from .request import RequestParts

T = TypeVar("T")
P = TypeVar("P", bound="AsyncPageOf[Any]")


@dataclass(frozen=True, slots=True)
class Turn:
    """How a page was asked for, and what was asked for before it."""

    operation: Operation[Any, Any]
    base_url: str
    options: CallOptions = field(repr=False)  # may hold secrets
    parts: RequestParts = field(repr=False)
    fetch: Callable[[Turn], Any] = field(repr=False)
    seen: frozenset[tuple[str, str]] = frozenset()

    @property
    def rule(self) -> PageRule:
        """The operation's rule."""
        if self.operation.pages is None:
            raise TypeError(f"{self.operation.name} has no pages")
        return self.operation.pages

    def given(self) -> dict[str, Any]:
        """The parameters in effect, from where the rule's own one stands."""
        held: Any = self.parts.get("body") if self.rule.in_body else self.parts.get("query")
        extra: Any = self.options.get("extra_body" if self.rule.in_body else "extra_query")
        both = {**dict(held or {}), **dict(extra or {})}
        return {name: value for name, value in both.items() if not isinstance(value, Omit)}

    def following(self, answer: Mapping[str, Any]) -> Turn | None:
        """The turn after the page `answer`, None at the end of the list."""
        given = self.given()
        step = next_page(self.rule, answer, given)
        if step is None:
            return None
        began = NextPage(step.param, given.get(step.param))
        seen = self.seen | {began.mark}
        if step.mark in seen:
            raise InvalidResponseError(
                f"{self.operation.name} sent a page again; the list would have no end",
                operation=self.operation.name,
            )
        return replace(self, parts=self._parts(step, given), options=self._options(), seen=seen | {step.mark})

    def _parts(self, step: NextPage, given: dict[str, Any]) -> RequestParts:
        parts = self.parts.copy()
        if step.url:
            parts["query"], parts["url"] = None, self._checked(step.url)
        elif self.rule.in_body:
            parts["body"] = {**given, step.param: step.value}
        else:
            parts["query"] = {**given, step.param: step.value}
        return parts

    def _options(self) -> CallOptions:
        """The caller's options; what he added to the query stands in `given`, or in the link, already."""
        options = self.options.copy()
        if self.rule.in_body:
            options.pop("extra_body", None)
        else:
            options.pop("extra_query", None)
        return options

    def _checked(self, url: str) -> str:
        """The absolute form of a link; InvalidResponseError if it leads elsewhere."""
        target = urljoin(f"{self.base_url}/", url)
        try:
            origin = origin_of(target)
        except ValueError:
            origin = "an invalid URL"
        if origin != origin_of(self.base_url):
            raise InvalidResponseError(
                f"The next page of {self.operation.name} is at {origin}, which is not followed",
                operation=self.operation.name,
            )
        return target


class _Page(View):
    """What pages of both kinds share."""

    __slots__ = ("_turn",)
    _turn: Turn

    def has_next_page(self) -> bool:
        """Whether the answer says that the list goes on."""
        return self._known().following(self._data) is not None

    def _known(self) -> Turn:
        turn: Turn | None = getattr(self, "_turn", None)
        if turn is None:
            raise InvalidRequestError("This page is a copy and belongs to no client; call the method again")
        return turn

    def _next_turn(self) -> Turn | None:
        return self._known().following(self._data)

    def _items(self) -> list[Any]:
        """The items of this page, typed."""
        found: Any = self
        for name in self._known().rule.items.split("."):
            found = _typed(found, name)
        return found if isinstance(found, list) else []


class PageOf(_Page, Generic[T]):
    """A page of a list. Iterating gives the items of this page and of all that follow."""

    __slots__ = ()

    def next_page(self) -> Self | None:
        """The page after this one, None at the end of the list."""
        turn = self._next_turn()
        return None if turn is None else turn.fetch(turn)

    def pages(self, limit: int | None = None) -> Iterator[Self]:
        """This page and those that follow, at most `limit` in all."""
        page: Self | None = self
        count = 1
        while page is not None:
            yield page
            if limit is not None and count >= limit:
                return
            page, count = page.next_page(), count + 1

    def __iter__(self) -> Iterator[T]:  # type: ignore[override]  # a list of items, not of field names
        for page in self.pages():
            yield from page._items()


class AsyncPageOf(_Page, Generic[T]):
    """`PageOf` for asyncio: `async for` gives the items of this page and of all that follow."""

    __slots__ = ()

    async def next_page(self) -> Self | None:
        """The page after this one, None at the end of the list."""
        turn = self._next_turn()
        return None if turn is None else await turn.fetch(turn)

    async def pages(self, limit: int | None = None) -> AsyncIterator[Self]:
        """This page and those that follow, at most `limit` in all."""
        page: Self | None = self
        count = 1
        while page is not None:
            yield page
            if limit is not None and count >= limit:
                return
            page, count = await page.next_page(), count + 1

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page._items():
                yield item


class AsyncPaging(Generic[P, T]):
    """A list that was asked for: await it for its first page, or iterate over all items with `async for`."""

    def __init__(self, first: Callable[[], Awaitable[P]]) -> None:
        self._first = first

    def __await__(self) -> Generator[Any, None, P]:
        return self._first().__await__()

    async def __aiter__(self) -> AsyncIterator[T]:
        async for item in await self._first():
            yield item

    async def pages(self, limit: int | None = None) -> AsyncIterator[P]:
        """The pages, at most `limit`."""
        async for page in (await self._first()).pages(limit):
            yield page


def _typed(view: Any, wire: str) -> Any:
    """The typed value of a field by its wire name."""
    for cls in type(view).__mro__:
        for name, one in vars(cls).items():
            if isinstance(one, Field) and one.wire == wire:
                return getattr(view, name)
    return view.get(wire) if isinstance(view, (View, Mapping)) else None
