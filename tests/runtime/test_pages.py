"""Lists of many pages: every item once, each page when it is needed, and an end."""

from __future__ import annotations

import asyncio
import json
import pickle
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from llm_forge.core.errors import InvalidRequestError, InvalidResponseError, ServerError
from llm_forge.core.profile import Operation, PageRule
from llm_forge.core.views import View, field, list_of, obj
from llm_forge.runtime.pages import AsyncPageOf, AsyncPaging, PageOf
from llm_forge.runtime.scripted import ScriptedIo
from tests.runtime.kit import Acme, client, failed, ok
from tests.runtime.test_uploads import AsyncAcme


class Book(View):
    __slots__ = ()
    id: str = field("id")


class Books(View):
    __slots__ = ()
    data: list[Book] | None = field("data", list_of(obj(Book)))


class BooksPage(PageOf[Book], Books):
    __slots__ = ()


class AsyncBooksPage(AsyncPageOf[Book], Books):
    __slots__ = ()


BY_ID = PageRule("after-id", "data", "after", before="before", more="has_more")
BACKWARDS = PageRule("before-id", "data", "before_id", more="has_more")
CURSOR = PageRule("cursor", "data", "page", next="next.page")
NUMBER = PageRule("page", "data", "page", start=0, size_param="size", total="total")
LINK = PageRule("link", "data", next="links.next")
IN_BODY = PageRule("cursor", "data", "cursor", next="next.page", in_body=True)


def listing(rule: PageRule) -> Operation[Any, Any]:
    return Operation(
        "books.list", "POST" if rule.in_body else "GET", "/books", Books, has_body=rule.in_body, pages=rule
    )


def page(*ids: str, **more: Any) -> Any:
    return ok({"data": [{"id": one} for one in ids], **more})


def first(rule: PageRule, *answers: Any, **parts: Any) -> tuple[Acme, BooksPage]:
    acme = client(*answers)
    options = parts.pop("options", {})
    return acme, acme.paged(listing(rule), BooksPage, options=options, **parts)


def queries(acme: Acme) -> list[dict[str, str]]:
    return [dict(parse_qsl(urlsplit(request.url).query)) for request in acme.world.requests]


@pytest.mark.requirement("R-203")
def test_the_first_page_is_the_answer_and_iterating_gives_all_items() -> None:
    acme, found = first(BY_ID, page("a", "b", has_more=True), page("c", has_more=False), query={"limit": 2})
    assert [book.id for book in found.data or ()] == ["a", "b"]
    assert len(acme.world.requests) == 1
    assert [book.id for book in found] == ["a", "b", "c"]
    assert queries(acme) == [{"limit": "2"}, {"limit": "2", "after": "b"}]
    assert found["has_more"] is True
    assert dict(found) == found.to_dict()


@pytest.mark.requirement("R-203")
@pytest.mark.parametrize(
    ("rule", "given", "bodies", "asked"),
    [
        (BY_ID, {"before": "z"}, [{"has_more": True}, {"has_more": False}], {"before": "a"}),
        (BACKWARDS, {}, [{"has_more": True}, {}], {"before_id": "a"}),
        (CURSOR, {"q": "x"}, [{"next": {"page": "p2"}}, {"next": None}], {"q": "x", "page": "p2"}),
        (CURSOR, {}, [{"next": {"page": "p2"}}, {"next": {"page": ""}}], {"page": "p2"}),
        (NUMBER, {}, [{"total": 4}, {"total": 4}], {"page": "1"}),
        (NUMBER, {"page": 1, "size": 2}, [{"total": 5}, {"total": 5}], {"page": "2", "size": "2"}),
        (LINK, {"q": "x"}, [{"links": {"next": "books?token=t"}}, {"links": {}}], {"token": "t"}),
        (LINK, {}, [{"links": {"next": "https://api.acme.test/v2?n=1"}}, {}], {"n": "1"}),
    ],
)
def test_each_style_asks_for_the_next_page_in_its_way(
    rule: PageRule, given: dict[str, Any], bodies: list[dict[str, Any]], asked: dict[str, str]
) -> None:
    answers = [page("a", "b", **bodies[0]), page("c", "d", **bodies[1])]
    acme, found = first(rule, *answers, query=given)
    assert [book.id for book in found] == ["a", "b", "c", "d"]
    assert queries(acme)[1] == asked


@pytest.mark.requirement("R-203")
def test_a_cursor_may_be_a_field_of_the_body() -> None:
    answers = [page("a", next={"page": "2"}), page("b")]
    acme, found = first(IN_BODY, *answers, body={"text": "x"}, options={"extra_body": {"k": 1}})
    assert [book.id for book in found] == ["a", "b"]
    assert [json.loads(body) for body in acme.world.bodies] == [
        {"text": "x", "k": 1},
        {"text": "x", "k": 1, "cursor": "2"},
    ]


@pytest.mark.requirement("R-203")
def test_what_the_caller_added_to_the_query_stays_in_it() -> None:
    answers = [page("a", has_more=True), page("b", has_more=True), page()]
    acme, found = first(BY_ID, *answers, options={"extra_query": {"after": "0", "x": "1"}})
    assert [book.id for book in found] == ["a", "b"]
    assert [query["after"] for query in queries(acme)] == ["0", "a", "b"]
    assert all(query["x"] == "1" for query in queries(acme))


@pytest.mark.requirement("R-203")
def test_pages_follow_lazily_up_to_a_limit_and_end() -> None:
    answers = [page(str(n), has_more=True) for n in range(5)]
    acme, found = first(BY_ID, *answers)
    assert [one.data for one in found.pages(limit=3)] == [[Book({"id": str(n)})] for n in range(3)]
    assert len(acme.world.requests) == 3
    assert found.has_next_page()
    second = found.next_page()
    assert isinstance(second, BooksPage)
    _, last = first(BY_ID, page("a", has_more=False))
    assert (last.has_next_page(), last.next_page()) == (False, None)


@pytest.mark.requirement("R-203")
@pytest.mark.parametrize(
    ("rule", "answers"),
    [
        (
            CURSOR,
            [page(one, next={"page": one}) for one in "aba"],
        ),
        (BY_ID, [page("a", has_more=True), page("a", has_more=True)]),
        (LINK, [page("a", links={"next": "/x"}), page("b", links={"next": "/x"})]),
    ],
)
def test_a_page_that_comes_again_is_an_error(rule: PageRule, answers: list[Any]) -> None:
    acme, found = first(rule, *answers)
    with pytest.raises(InvalidResponseError, match="no end"):
        list(found)
    assert acme.world.answers == []


@pytest.mark.requirement("R-203")
@pytest.mark.requirement("R-241")
@pytest.mark.parametrize(
    "url", ["https://evil.test/v1/books", "http://api.acme.test/v1/books", "//evil.test/x"]
)
def test_a_link_to_another_origin_is_not_followed(url: str) -> None:
    acme, found = first(LINK, page("a", links={"next": url}))
    with pytest.raises(InvalidResponseError, match="not followed"):
        list(found)
    assert len(acme.world.requests) == 1


def test_a_list_that_goes_on_from_an_item_without_id_is_an_error() -> None:
    _, found = first(BY_ID, ok({"data": [{"name": "a"}], "has_more": True}))
    with pytest.raises(InvalidResponseError, match="no id"):
        found.next_page()


@pytest.mark.requirement("R-203")
def test_each_page_is_a_call_of_its_own_with_its_own_retries() -> None:
    acme, found = first(BY_ID, page("a", has_more=True), failed(500), page("b"), options={"max_attempts": 2})
    assert [book.id for book in found] == ["a", "b"]
    assert len(acme.world.requests) == 3
    _, found = first(BY_ID, page("a", has_more=True), failed(500), failed(500), options={"max_attempts": 2})
    with pytest.raises(ServerError) as caught:
        list(found)
    assert len(caught.value.attempts) == 2


def test_a_copy_of_a_page_is_the_answer_and_knows_no_client() -> None:
    _, found = first(BY_ID, page("a", has_more=True))
    copy = pickle.loads(pickle.dumps(found))  # noqa: S301 - made here
    assert copy == found
    with pytest.raises(InvalidRequestError, match="copy"):
        copy.next_page()


@pytest.mark.requirement("R-203")
def test_asyncio_awaits_the_first_page_or_iterates_over_all_items() -> None:
    async def main() -> None:
        answers = [page("a", has_more=True), page("b", has_more=False)]

        def books() -> AsyncPaging[AsyncBooksPage, Book]:
            acme = AsyncAcme(api_key="key", transport=ScriptedIo(list(answers)))
            return acme.paged(listing(BY_ID), AsyncBooksPage, options={})

        found = await books()
        assert [book.id for book in found.data or ()] == ["a"]
        assert [book.id async for book in found] == ["a", "b"]
        assert [book.id async for book in books()] == ["a", "b"]
        assert [len(one.data or ()) async for one in books().pages(limit=1)] == [1]
        following = await (await books()).next_page()
        assert following is not None
        assert await following.next_page() is None

    asyncio.run(main())
