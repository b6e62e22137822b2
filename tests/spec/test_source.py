"""YAML 1.2 and JSON to values with lines."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from llm_forge.spec import DescriptionError
from llm_forge.spec.source import parse_document


def values(text: str) -> Any:
    return parse_document(text, "x.yaml", Path("x.yaml")).root


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1e-08", 1e-08),
        ("1e+09", 1e9),
        ("1.", 1.0),
        (".5", 0.5),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("-7", -7),
        ("yes", "yes"),
        ("off", "off"),
        ("2024-01-01", "2024-01-01"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("true", True),
        ("null", None),
        ("~", None),
        ("'1'", "1"),
        ("!!str 1", "1"),
    ],
)
def test_plain_scalars_follow_the_core_schema_of_yaml_1_2(written: str, meant: object) -> None:
    found = values(f"a: {written}")["a"]
    assert found == meant
    assert type(found) is type(meant)


def test_infinities_and_nan_are_numbers() -> None:
    found = values("[.inf, -.inf, .nan]")
    assert found[:2] == [math.inf, -math.inf]
    assert math.isnan(found[2])


def test_keys_are_text_as_they_are_written() -> None:
    assert list(values("200: a\ntrue: b\n1e3: c\n")) == ["200", "true", "1e3"]


def test_every_key_and_entry_knows_its_line() -> None:
    root = values("a: 1\nb:\n  - x\n  -\n    c: 2\n")
    assert root.lines == {"a": 1, "b": 2}
    assert root["b"].lines == [3, 5]
    assert root["b"][1].lines == {"c": 5}


def test_json_keeps_tabs_surrogate_pairs_and_lines() -> None:
    root = values('{\n\t"a": "\\ud83d\\ude00",\n\t"b": [1.5,\n\ttrue]\n}')
    assert root == {"a": "\U0001f600", "b": [1.5, True]}
    assert root.lines == {"a": 2, "b": 3}
    assert root["b"].lines == [3, 4]


def test_flow_style_yaml_is_not_taken_for_broken_json() -> None:
    assert values("{a: 1, b: [x, 'y']}") == {"a": 1, "b": ["x", "y"]}


def test_a_key_given_twice_takes_its_last_value_and_is_noted() -> None:
    document = parse_document("a: 1\na: 2\n", "x.yaml", Path("x.yaml"))
    assert document.root == {"a": 2}
    assert [(notice.line, "twice" in notice.message) for notice in document.notices] == [(2, True)]


def test_two_mappings_under_one_key_are_taken_together() -> None:
    document = parse_document("c: {a: 1, b: 1}\nd: 0\nc: {b: 2}\n", "x.yaml", Path("x.yaml"))
    assert document.root["c"] == {"a": 1, "b": 2}
    assert document.root["c"].lines == {"a": 1, "b": 3}
    assert [notice.line for notice in document.notices] == [3]


def test_merge_keys_bring_in_what_is_not_given() -> None:
    assert values("x: &x {a: 1, b: 2}\ny:\n  b: 3\n  <<: *x\n")["y"] == {"b": 3, "a": 1}


@pytest.mark.requirement("R-248")
def test_sc_05_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(DescriptionError, match="aliases expand to more than 1,000,000 nodes"):
        values("\n".join(lines))


@pytest.mark.requirement("R-248")
@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 300 + "]" * 300, "{a: " * 300 + "1" + "}" * 300])
def test_sc_05_deep_nesting_is_refused(text: str) -> None:
    with pytest.raises(DescriptionError):
        values(text)


@pytest.mark.requirement("R-248")
def test_sc_05_nesting_up_to_the_limit_is_read() -> None:
    found = values("[" * 200 + "]" * 200)
    for _ in range(199):
        found = found[0]
    assert found == []


def test_an_alias_inside_its_own_anchor_is_refused() -> None:
    with pytest.raises(DescriptionError, match=r"alias \*a stands inside"):
        values("a: &a [*a]")


@pytest.mark.parametrize(
    ("text", "line"),
    [('{\n "a": 1\n "b": 2}', 3), ("a: [1\nb: 2\n", 2), ("a: 1\n---\nb: 2\n", 2), ("a: b: c", 1)],
)
def test_a_syntax_error_names_its_line(text: str, line: int) -> None:
    with pytest.raises(DescriptionError) as caught:
        values(text)
    assert caught.value.line == line
