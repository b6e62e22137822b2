"""Text on its way into Python source."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_forge import spec
from llm_forge.targets.python.names import Names
from llm_forge.targets.python.target import client_package
from llm_forge.targets.python.text import Identifier, Prose, Quoted, docstring, number
from llm_forge.targets.text import Comment
from tests.shared import ROOT
from tests.spec.making import document

from .hostile import CANARY, loaded


@pytest.mark.requirement("R-245")
@given(st.text())
def test_a_literal_evaluates_to_the_text_and_is_ascii(text: str) -> None:
    quoted = Quoted(text)
    assert ast.literal_eval(quoted) == text
    assert quoted.isascii()
    assert quoted.isprintable()


@pytest.mark.requirement("R-245")
@given(st.text(), st.integers(0, 3))
def test_a_docstring_cannot_be_closed_from_inside(text: str, depth: int) -> None:
    prose = Prose(text)
    source = "\n".join(["class A:", *docstring(prose.split("\n"), "    ")]) if prose else "class A: pass"
    (found,) = ast.parse(source).body
    assert isinstance(found, ast.ClassDef)
    assert len(found.body) == 1


@pytest.mark.requirement("R-246")
@pytest.mark.parametrize(
    "hidden", ["\u202e", "\u2066", "\u200b", "\ufeff", "\u00ad", "\u2028", "\x07", "\U000e0041"]
)
def test_hidden_characters_are_escaped_everywhere(hidden: str) -> None:
    assert hidden not in Quoted(f"a{hidden}b")
    assert hidden not in Prose(f"a{hidden}b")
    assert hidden not in Comment(f"a{hidden}b")


@pytest.mark.parametrize("name", ["", "1a", "a-b", "class", "é", "a b", "a\n"])
def test_an_identifier_is_made_only_from_the_allow_list(name: str) -> None:
    with pytest.raises(ValueError, match="not a Python identifier"):
        Identifier(name)


@pytest.mark.requirement("R-245")
@given(st.lists(st.text(), max_size=8))
def test_names_are_identifiers_and_never_collide(wires: list[str]) -> None:
    names = Names()
    found = [names.snake(wire) for wire in wires]
    assert len(set(found)) == len(found)
    assert all(one.isidentifier() and one.isascii() for one in found)


@pytest.mark.parametrize(
    ("value", "source"), [(1, "1"), (1e-08, "1e-08"), (True, "True"), (float("inf"), 'float("inf")')]
)
def test_numbers_are_written_from_their_values(value: float, source: str) -> None:
    assert number(value) == source


@pytest.mark.requirement("R-250")
def test_sc_06_a_pattern_of_a_description_is_never_part_of_generated_code(tmp_path: Path) -> None:
    text = (ROOT / "golden" / "minimal" / "description.yaml").read_text("utf-8")
    path = tmp_path / "description.yaml"
    path.write_text(text.replace("id: {type: string}", 'id: {type: string, pattern: "(a+)+$"}'))
    api = spec.load(path)
    assert "(a+)+$" in spec.to_json(api)
    _, files = client_package(api)
    assert not any("(a+)+" in source for source in files.values())


def test_sc_05_unions_that_contain_each_other_are_generated_in_no_time(tmp_path: Path) -> None:
    names = [f"U{n}" for n in range(12)]
    refs = [{"$ref": f"#/components/schemas/{name}"} for name in names]
    path = tmp_path / "api.json"
    path.write_text(document({"Answer": {"oneOf": refs}, **{name: {"oneOf": refs} for name in names}}))
    _, files = client_package(spec.load(path))
    for source in files.values():
        ast.parse(source)


def calls(source: str) -> set[str]:
    """What the code calls, by the last word of its name; SyntaxError if it is no code."""
    found = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return {one.id if isinstance(one, ast.Name) else getattr(one, "attr", "?") for one in found}


@pytest.mark.requirement("R-245")
def test_sc_03_no_call_of_generated_code_comes_from_a_text(tmp_path: Path) -> None:
    accepted = 0
    for seed in range(1000, 1300):
        api = loaded(seed, tmp_path)
        if api is None:
            continue
        accepted += 1
        for name, source in client_package(api)[1].items():
            assert calls(source).isdisjoint({CANARY, "?"}), (seed, name)
    assert accepted > 150
