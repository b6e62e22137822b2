"""Which page follows an answer, rule by rule."""

from __future__ import annotations

from typing import Any

import pytest

from llm_forge.core.errors import InvalidResponseError
from llm_forge.core.paging import NextPage, at, items_of, next_page
from llm_forge.core.profile import PageRule

pytestmark = pytest.mark.requirement("R-203")

AFTER = PageRule("after-id", "data", param="after", more="has_more")
BOTH_WAYS = PageRule("after-id", "data", param="after_id", before="before_id", more="has_more")
BEFORE = PageRule("before-id", "data", param="before")
CURSOR = PageRule("cursor", "page.items", param="cursor", next="page.next")
NUMBER = PageRule("page", "data", param="page", size_param="page_size", total="total", start=0)
LINK = PageRule("link", "data", next="links.next")


def listed(*names: str, **more: Any) -> dict[str, Any]:
    return {"data": [{"id": name} for name in names], **more}


def test_a_dotted_path_reads_through_objects_only() -> None:
    assert at({"a": {"b": 1}}, "a.b") == 1
    assert at({"a": {"b": 1}}, "a") == {"b": 1}
    assert at({"a": [1]}, "a.b") is None
    assert at({}, "a") is None
    assert at(None, "a") is None


def test_the_items_are_the_list_at_their_path_and_none_where_there_is_no_list() -> None:
    assert items_of(CURSOR, {"page": {"items": [1, 2]}}) == [1, 2]
    assert items_of(CURSOR, {"page": {"items": {"a": 1}}}) == []
    assert items_of(CURSOR, {}) == []


def test_the_page_after_the_last_id_is_asked_for() -> None:
    assert next_page(AFTER, listed("a", "b", has_more=True), {}) == NextPage("after", "b")


@pytest.mark.parametrize("more", [False, None, 0])
def test_an_answer_that_says_there_is_no_more_ends_the_list_in_every_style(more: Any) -> None:
    assert next_page(AFTER, listed("a", has_more=more), {}) is None
    cursor = PageRule("cursor", "data", param="c", next="next", more="has_more")
    assert next_page(cursor, listed("a", has_more=more, next="x"), {}) is None


def test_without_a_word_on_more_an_empty_page_ends_the_list() -> None:
    assert next_page(BEFORE, listed("a"), {}) == NextPage("before", "a")
    assert next_page(BEFORE, listed(), {}) is None


def test_an_empty_page_ends_the_list_even_where_more_is_announced() -> None:
    assert next_page(AFTER, listed(has_more=True), {}) is None


def test_pages_go_backwards_from_the_first_id_where_the_caller_began_backwards() -> None:
    page = listed("a", "b", has_more=True)
    assert next_page(BOTH_WAYS, page, {"before_id": "c"}) == NextPage("before_id", "a")
    assert next_page(BOTH_WAYS, page, {"before_id": None}) == NextPage("after_id", "b")
    assert next_page(BOTH_WAYS, page, {"after_id": "0"}) == NextPage("after_id", "b")


def test_a_style_that_goes_backwards_always_takes_the_first_id() -> None:
    assert next_page(BEFORE, listed("a", "b"), {}) == NextPage("before", "a")
    named = PageRule("before-id", "data", param="p", before="before_id")
    assert next_page(named, listed("a", "b"), {}) == NextPage("before_id", "a")


def test_the_id_stands_where_the_rule_says() -> None:
    rule = PageRule("after-id", "data", param="after", id="meta.key")
    assert next_page(rule, {"data": [{"meta": {"key": "k"}}]}, {}) == NextPage("after", "k")


def test_more_that_cannot_be_asked_for_is_an_error_and_not_the_end() -> None:
    with pytest.raises(InvalidResponseError, match="has no id"):
        next_page(AFTER, {"data": [{"name": "a"}], "has_more": True}, {})


@pytest.mark.parametrize(("cursor", "goes_on"), [("x", True), (0, True), ("", False), (None, False)])
def test_a_cursor_is_followed_until_there_is_none(cursor: Any, goes_on: bool) -> None:
    found = next_page(CURSOR, {"page": {"items": [], "next": cursor}}, {})
    assert found == (NextPage("cursor", cursor) if goes_on else None)


@pytest.mark.parametrize(("link", "goes_on"), [("https://a/2", True), ("", False), (None, False), (2, False)])
def test_a_link_is_followed_until_there_is_none(link: Any, goes_on: bool) -> None:
    found = next_page(LINK, listed("a", links={"next": link}), {})
    assert found == (NextPage(url="https://a/2") if goes_on else None)


@pytest.mark.parametrize(
    ("given", "total", "following"),
    [
        ({}, 5, 1),  # two of five, from page 0
        ({"page": 1}, 5, 2),
        ({"page": 1}, 4, None),
        ({"page": 0}, 2, None),
        ({"page": 2}, 5, None),
        ({"page": 0, "page_size": 10}, 11, 1),  # a page may be shorter than it was asked to be
        ({"page": 0, "page_size": 10}, 10, None),
        ({"page": True}, 5, 1),
        ({"page": "1"}, 5, 1),
        ({"page": 7}, None, 8),
        ({"page": 7}, "many", 8),
    ],
)
def test_numbered_pages_go_on_until_the_total_is_reached(
    given: dict[str, Any], total: Any, following: int | None
) -> None:
    found = next_page(NUMBER, listed("a", "b", total=total), given)
    assert found == (None if following is None else NextPage("page", following))


def test_numbered_pages_without_a_total_end_with_an_empty_one() -> None:
    rule = PageRule("page", "data", param="page")
    assert next_page(rule, listed("a"), {}) == NextPage("page", 2)
    assert next_page(rule, listed(), {"page": 2}) is None


def test_a_total_alone_counts_pages_by_what_they_brought() -> None:
    rule = PageRule("page", "data", param="page", total="total")
    assert next_page(rule, listed("a", "b", total=3), {}) == NextPage("page", 2)
    assert next_page(rule, listed("a", "b", total=2), {}) is None


def test_steps_are_told_apart_by_their_mark() -> None:
    assert NextPage("after", 3).mark == ("after", "3")
    assert NextPage(url="u").mark == ("", "u")
    assert NextPage("after", "a").mark != NextPage("after", "b").mark


def test_an_answer_that_announces_more_and_has_no_cursor_is_an_error() -> None:
    cursor = PageRule("cursor", "data", param="c", next="next", more="has_more")
    with pytest.raises(InvalidResponseError, match="no cursor at next"):
        next_page(cursor, listed("a", has_more=True), {})


@pytest.mark.parametrize("absent", [{}, {"next": None}])
def test_an_answer_without_a_cursor_goes_by_the_other_rule_if_there_is_one(absent: dict[str, Any]) -> None:
    either = PageRule("cursor", "data", param="page", next="next", otherwise=BOTH_WAYS)
    assert next_page(either, listed("a", "b", next="x"), {}) == NextPage("page", "x")
    page = listed("a", "b", has_more=True, **absent)
    assert next_page(either, page, {}) == NextPage("after_id", "b")
    assert next_page(either, page, {"before_id": "c"}) == NextPage("before_id", "a")
    assert next_page(either, listed("a", has_more=False, **absent), {}) is None
    assert next_page(either, listed("a", **absent), {}) is None
