"""Partial tool input: for every prefix, never an exception and never ahead of the bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_forge.core.accumulate.partial_json import parse_partial

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=10,
)


def is_ahead(shown: Any, whole: Any) -> bool:
    """Whether `shown` holds anything that `whole` does not begin with."""
    if isinstance(shown, str) and isinstance(whole, str):
        return not whole.startswith(shown)
    if isinstance(shown, list) and isinstance(whole, list):
        return len(shown) > len(whole) or any(map(is_ahead, shown, whole))
    if isinstance(shown, dict) and isinstance(whole, dict):
        return any(key not in whole or is_ahead(value, whole[key]) for key, value in shown.items())
    return bool(shown != whole or type(shown) is not type(whole))


@pytest.mark.requirement("R-178")
@settings(deadline=None, derandomize=True, max_examples=60)
@given(value=st.dictionaries(st.text(max_size=4), VALUES, max_size=4), escape=st.booleans())
def test_every_prefix_shows_a_beginning_of_the_value(value: dict[str, Any], escape: bool) -> None:
    text = json.dumps(value, ensure_ascii=escape)
    assert parse_partial(text) == value
    for cut in range(1, len(text)):
        shown = parse_partial(text[:cut])
        assert not is_ahead(shown, value), text[:cut]


@pytest.mark.requirement("R-178")
@settings(deadline=None, derandomize=True, max_examples=200)
@given(text=st.text(alphabet='{}[],:"\\utruefalsn0123.-eE+ \nD8', max_size=40))
def test_nothing_raises(text: str) -> None:
    parse_partial(text)


@pytest.mark.requirement("R-178")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", None),
        ("{", {}),
        ('{"a', {}),
        ('{"a"', {}),
        ('{"a":', {}),
        ('{"a": 12', {}),
        ('{"a": 12,', {"a": 12}),
        ('{"a": tru', {}),
        ('{"a": true ', {"a": True}),
        ('{"a": "x\\', {"a": "x"}),
        ('{"a": "x\\u00', {"a": "x"}),
        ('{"a": "x\\ud83d', {"a": "x"}),
        ('{"a": "x\\ud83d\\ude00', {"a": "x😀"}),
        ('{"a": [1, {"b": "c', {"a": [1, {"b": "c"}]}),
        ('{"a": [1 2', {"a": [1]}),
        ("[" * 300, None),
        ("nonsense", None),
    ],
)
def test_what_the_bytes_show(text: str, shown: Any) -> None:
    if text.startswith("[[["):
        assert isinstance(parse_partial(text), list)
    else:
        assert parse_partial(text) == shown
