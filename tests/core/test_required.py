"""Required fields that an answer lacks."""

from __future__ import annotations

import pytest

from llm_forge.core.required import lacks_at_top, missing_paths
from llm_forge.core.views import View, field, list_of, map_of, obj

pytestmark = pytest.mark.requirement("R-200")


class Part(View):
    __slots__ = ()
    text: str = field("text", required=True)
    note: str | None = field("note")


class Base(View):
    __slots__ = ()
    id: str = field("id", required=True)


class Message(Base):
    __slots__ = ()
    parts: list[Part] = field("parts", list_of(obj(Part)), required=True)
    named: dict[str, Part] | None = field("named", map_of(obj(Part)))


def test_a_complete_answer_lacks_nothing_and_null_is_there() -> None:
    complete = Message({"id": None, "parts": [{"text": "a"}], "more": 1})
    assert lacks_at_top(complete) == 0
    assert list(missing_paths(complete)) == []


def test_inherited_fields_count_too() -> None:
    assert lacks_at_top(Message({})) == 2
    assert sorted(missing_paths(Message({}))) == ["id", "parts"]


def test_what_is_missing_inside_is_named_by_its_path() -> None:
    message = Message({"id": "m", "parts": [{"text": "a"}, {"note": "b"}], "named": {"x": {}}})
    assert lacks_at_top(message) == 0
    assert list(missing_paths(message)) == ["parts.1.text", "named.x.text"]


def test_values_of_an_unexpected_shape_lack_nothing() -> None:
    assert list(missing_paths(Message({"id": 7, "parts": "none", "named": [3, None]}))) == []


def test_lists_of_answers_are_looked_through() -> None:
    assert list(missing_paths([Base({"id": "a"}), Base({})])) == ["1.id"]


def test_a_class_is_looked_at_once_and_answers_with_more_than_is_required_lack_nothing() -> None:
    class Late(View):
        __slots__ = ()
        a: int = field("a", required=True)
        b: int = field("b", required=True)
        c: int | None = field("c")

    assert [
        lacks_at_top(Late(data)) for data in ({}, {"a": 1}, {"a": 1, "b": 2}, {"a": 1, "b": 2, "d": 3})
    ] == [
        2,
        1,
        0,
        0,
    ]
    assert list(missing_paths(Late({"c": 1}))) == ["a", "b"]
    assert list(missing_paths(Late({"a": None, "b": None}))) == []
