"""Parameters in OpenAPI's styles, as texts and as pairs of a query."""

from __future__ import annotations

from typing import Any

import pytest

from llm_forge.core.views import View
from llm_forge.runtime.options import OMIT
from llm_forge.runtime.parameters import pairs, path_texts, text, texts

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
    assert path_texts({"id": None, "kind": "x"}, {}) == {"id": "", "kind": "x"}
