"""Scenario and corpus files: expansion, and errors that name the place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llm_forge.conformance.canon import FAMILIES, TEXT
from llm_forge.conformance.corpus import load_corpora, load_corpus
from llm_forge.conformance.cuts import every_cut, whole_stream
from llm_forge.conformance.replies import replies
from llm_forge.conformance.runner import conformance_root, main, run
from llm_forge.conformance.scenario import ScenarioError, load_scenario, load_scenarios

GOOD = """
id: RT-01
title: something
requirements: [R-061]
server: [ok]
calls: [{}]
expect: {requests: 1}
"""


def scenario(tmp_path: Path, text: str, name: str = "RT-01-x.yaml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def error_of(path: Path) -> str:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    return message


def test_a_plain_file_is_one_case(tmp_path: Path) -> None:
    (case,) = load_scenario(scenario(tmp_path, GOOD))
    assert (case.name, case.id, case.family) == ("RT-01", "RT-01", "chat")


def test_families_and_cases_multiply(tmp_path: Path) -> None:
    text = GOOD + "families: [chat, blocks]\ncases: [{name: a}, {name: b}]\n"
    names = [case.name for case in load_scenario(scenario(tmp_path, text))]
    assert names == ["RT-01/chat/a", "RT-01/chat/b", "RT-01/blocks/a", "RT-01/blocks/b"]


def test_a_variable_keeps_its_type_and_fits_into_text(tmp_path: Path) -> None:
    text = GOOD.replace("server: [ok]", "server: [{status: $status, message: no $status}]")
    (case,) = load_scenario(scenario(tmp_path, text + "cases: [{name: a, status: 404}]\n"))
    answer = case.scenario.server[0]
    assert not isinstance(answer, str)
    assert (answer.status, answer.message) == (404, "no 404")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("requests: 1", "request: 1"), "unknown field `request` - at `$.expect`"),
        (("calls: [{}]", "calls: [{strem: true}]"), "unknown field `strem` - at `$.calls[0]`"),
        (("server: [ok]", "server: [{status: soon}]"), "at `$.server[0].status`"),
        (("calls: [{}]", "calls: []"), "$.calls"),
        (("[R-061]", "[]"), "$.requirements"),
        (("server: [ok]", "server: [{delay: 3}]"), "$.clock.scale"),
        (("server: [ok]", "needs: [wings]"), "$.needs: unknown feature 'wings'"),
        (("title: something", "title: $nothing"), "unknown variable $nothing"),
        (("id: RT-01", "id: RT-02"), "$.id"),
        (("id: RT-01", "families: [choir]\nid: RT-01"), "$.families: unknown family 'choir'"),
        (("id: RT-01", "id: [RT-01"), "not YAML"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, change: tuple[str, str], place: str) -> None:
    assert place in error_of(scenario(tmp_path, GOOD.replace(*change)))


def test_two_cases_of_one_name_are_an_error(tmp_path: Path) -> None:
    scenario(tmp_path, GOOD, "RT-01-a.yaml")
    scenario(tmp_path, GOOD, "RT-01-b.yaml")
    with pytest.raises(ScenarioError, match="more than one case is named RT-01"):
        load_scenarios(tmp_path)


def corpus(tmp_path: Path, **changed: Any) -> Path:
    case = {"id": "RL-19", "name": "x", "input": {"text": "1s"}, "output": {"seconds": 1}}
    document = {"fn": "durations", "about": "x", "requirements": ["R-114"], "cases": [case], **changed}
    path = tmp_path / "x.json"
    path.write_text(json.dumps(document))
    return path


def test_a_corpus_of_an_unknown_function_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="unknown function 'wings'"):
        load_corpus(corpus(tmp_path, fn="wings"))


def test_a_corpus_with_an_unknown_field_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="unknown field `casess`"):
        load_corpus(corpus(tmp_path, casess=[]))


@pytest.mark.requirement("R-125")
def test_a_small_event_case_is_asked_in_two_pieces_at_every_place(tmp_path: Path) -> None:
    case = {"id": "SE-05", "name": "x", "input": {"chunks": [b"data: x\n\n".hex()]}, "output": {"events": []}}
    (table,) = load_corpus(corpus(tmp_path, fn="sse", cases=[case]))
    asked = [check.input["chunks"] for check in table.checks]
    assert asked[0] == [b"data: x\n\n".hex()]
    assert len(asked[1]) == 9
    assert [b"dat".hex(), b"a: x\n\n".hex()] in asked
    assert all("".join(chunks) == asked[0][0] for chunks in asked)


@pytest.mark.requirement("R-144")
@pytest.mark.parametrize("family", ["chat", "blocks"])
def test_only_what_is_after_the_reason_may_be_cut_without_an_error(family: Any) -> None:
    cuts = every_cut(family)
    assert len(cuts) == len(whole_stream(family)) + 1
    kinds = [cut.completion for cut in cuts]
    assert kinds == sorted(kinds, key=[None, "inferred", "explicit"].index)
    assert set(kinds) == {None, "inferred", "explicit"}
    assert {cut.text for cut in cuts} == {"", "Hel", TEXT}


def test_the_canonical_result_has_the_canonical_text() -> None:
    assert all(family.text_of(family.result) == TEXT for family in FAMILIES.values())


def test_every_file_of_the_suite_loads_and_makes_replies() -> None:
    root = conformance_root()
    cases = load_scenarios(root / "scenarios")
    assert len(cases) >= 150
    assert len(load_corpora(root / "corpora")) >= 400
    assert all(replies(case) for case in cases if case.scenario.server)


def test_a_pattern_that_matches_nothing_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "ZZ-99"]) == 2
    assert "no case matches 'ZZ-99'" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--lang", "cobol"], ["--column", "sync/wings"]])
def test_an_unknown_language_or_column_is_an_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert "conformance: no " in capsys.readouterr().err


def test_zero_cases_run_is_an_error(tmp_path: Path) -> None:
    for folder in ("corpora", "scenarios"):
        (tmp_path / folder).mkdir()
    with pytest.raises(Exception, match="nothing was run"):
        run(root=tmp_path)
