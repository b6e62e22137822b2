"""Parameters in OpenAPI's styles, as texts and as pairs of a query."""

from __future__ import annotations

from typing import Any

import pytest

from llm_forge.core.errors import InvalidRequestError
from llm_forge.core.views import View
from llm_forge.runtime.base_url import fill_path
from llm_forge.runtime.options import OMIT
from llm_forge.runtime.parameters import pairs, path_segments, text, texts

OBJECT = {"a": 1, "b": True, "c": None, "d": OMIT}


@pytest.mark.parametrize(
    ("value", "style", "expected"),
    [
        ("x y", None, "x y"),
        (True, None, "true"),
        (1.5, None, "1.5"),
        (["a", 1, False], None, "a,1,false"),
        (("a", "b"), "comma", "a,b"),
        (["a", "b"], "space", "a b"),
        (["a", "b"], "pipe", "a|b"),
        (OBJECT, None, "a,1,b,true"),
        (OBJECT, "pairs", "a=1,b=true"),
        ({"a": [1, 2]}, "json", '{"a":[1,2]}'),
        ('{"ready":1}', "json", '{"ready":1}'),
        (View({"a": 1}), None, "a,1"),
    ],
)
def test_a_parameter_is_one_text_in_its_style(value: Any, style: Any, expected: str) -> None:
    assert text(value, style) == expected


@pytest.mark.parametrize(
    ("value", "style", "expected"),
    [
        (["a", "b"], None, [("q", "a"), ("q", "b")]),
        (["a", "b"], "comma", [("q", "a,b")]),
        (["a", "b"], "fields", [("q", "a"), ("q", "b")]),
        (OBJECT, None, [("q[a]", "1"), ("q[b]", "true")]),
        (OBJECT, "fields", [("a", "1"), ("b", "true")]),
        (OBJECT, "comma", [("q", "a,1,b,true")]),
        ({"a": 1}, "json", [("q", '{"a":1}')]),
        (View({"a": ["x", "y"]}), None, [("q[a]", "x,y")]),
        ("plain", "fields", [("q", "plain")]),
        (None, None, []),
        (OMIT, "json", []),
    ],
)
def test_a_parameter_of_a_query_is_pairs_in_its_style(value: Any, style: Any, expected: Any) -> None:
    assert pairs({"q": value}, {"query.q": style} if style else {}) == expected


def test_styles_are_of_one_place_and_absent_values_are_left_out() -> None:
    given = {"X-Tags": ["a", "b"], "X-Map": {"a": 1}, "X-None": None}
    assert texts("headers", given, {"headers.X-Map": "pairs", "query.X-Tags": "pipe"}) == {
        "X-Tags": "a,b",
        "X-Map": "a=1",
    }


def test_an_absent_parameter_of_a_path_is_empty_so_that_the_path_refuses_it() -> None:
    assert path_segments({"id": None, "kind": "x"}, {}) == {"id": "", "kind": "x"}


@pytest.mark.requirement("R-240")
@pytest.mark.parametrize(
    ("value", "style", "expected"),
    [
        ("a/b;c,d", None, "a%2Fb%3Bc%2Cd"),
        (["a", "b,c"], None, "a,b%2Cc"),
        (OBJECT, None, "a,1,b,true"),
        (OBJECT, "pairs", "a=1,b=true"),
        ({"a": 1}, "json", "%7B%22a%22%3A1%7D"),
        ("a.b", "label", ".a.b"),
        (["a", "b"], "label", ".a,b"),
        (["a", "b"], "label*", ".a.b"),
        (OBJECT, "label", ".a,1,b,true"),
        (View({"a": 1, "b": 2}), "label*", ".a=1.b=2"),
        ("x;y=z", "matrix", ";p=x%3By%3Dz"),
        ("", "matrix", ";p"),
        (5, "matrix*", ";p=5"),
        (["a", "b"], "matrix", ";p=a,b"),
        (["a", "", "b"], "matrix*", ";p=a;p;p=b"),
        (OBJECT, "matrix", ";p=a,1,b,true"),
        (OBJECT, "matrix*", ";a=1;b=true"),
        ([], "matrix", ""),
        ({}, "label*", ""),
    ],
)
def test_a_parameter_of_a_path_is_encoded_but_for_what_stands_between_its_parts(
    value: Any, style: Any, expected: str
) -> None:
    assert path_segments({"p": value}, {"path.p": style} if style else {}) == {"p": expected}


@pytest.mark.requirement("R-240")
@pytest.mark.parametrize(
    ("value", "style"), [("", "label"), (".", "label"), ([], "matrix*"), ("..", "comma")]
)
def test_no_style_lets_a_parameter_change_the_route(value: Any, style: Any) -> None:
    with pytest.raises(InvalidRequestError):
        fill_path("/a/{p}", path_segments({"p": value}, {"path.p": style}))
