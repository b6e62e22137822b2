"""The runner's dealings with a driver: order, skips, crashes, silence."""

from __future__ import annotations

import functools
import itertools
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from llm_forge.conformance.corpus import Check, Table
from llm_forge.conformance.driver import Driver
from llm_forge.conformance.jobs import TableJob
from llm_forge.conformance.protocol import FEATURES
from llm_forge.conformance.results import ConformanceError, Result
from llm_forge.conformance.session import Session

FAKE = Path(__file__).with_name("fake_driver.py")


def start(supports: dict[str, Any]) -> Driver:
    return Driver([sys.executable, str(FAKE), json.dumps(supports)], FAKE.parent)


def table(
    name: str, value: dict[str, Any], output: Any = msgspec.UNSET, error: str | None = None
) -> TableJob:
    check = Check("durations", value, output, error, "as written")
    return TableJob(Table(name, "XX-01", "a table", "core.durations", (check,)))


def play(
    jobs: Sequence[TableJob], patience: float = 10.0, supports: dict[str, Any] | None = None
) -> dict[str, Result]:
    told = dict.fromkeys(FEATURES, True) if supports is None else supports
    session = Session(functools.partial(start, told), "core", itertools.count(1), patience)
    return {result.case: result for result in session.run(jobs)}


def test_answers_in_any_order_find_their_case() -> None:
    jobs = [
        table("first", {"late": True, "say": {"n": 1}}, {"n": 1}),
        table("second", {"late": True, "say": {"n": 2}}, {"n": 2}),
        table("third", {"say": {"n": 3}}, {"n": 3}),
    ]
    results = play(jobs)
    assert {name: one.status for name, one in results.items()} == dict.fromkeys(
        ("first", "second", "third"), "passed"
    )


def test_a_wrong_answer_is_a_failure_that_says_what_differs() -> None:
    result = play([table("wrong", {"say": {"seconds": 2}}, {"seconds": 1})])["wrong"]
    assert result.status == "failed"
    assert result.notes == ("as written.seconds: 2, wanted 1",)


def test_errors_compare_by_kind() -> None:
    results = play(
        [
            table("same", {"raise": "ConfigError"}, error="ConfigError"),
            table("other", {"raise": "ApiError"}, error="ConfigError"),
            table("none", {"say": {"n": 1}}, error="ConfigError"),
        ]
    )
    assert [results[name].status for name in ("same", "other", "none")] == ["passed", "failed", "failed"]


def test_a_crash_is_recorded_with_its_last_words_and_the_driver_restarts() -> None:
    results = play(
        [
            table("good", {"say": {"n": 1}}, {"n": 1}),
            table("bad", {"die": True}),
            table("after", {"say": {"n": 2}}, {"n": 2}),
        ]
    )
    assert results["good"].status == results["after"].status == "passed"
    assert results["bad"].status == "failed"
    assert "these are my last words" in results["bad"].notes[0]
    assert "exit code 3" in results["bad"].notes[0]


def test_a_driver_that_falls_silent_is_ended_and_the_others_still_run() -> None:
    results = play(
        [table("silent", {"hang": True}), table("after", {"say": {"n": 2}}, {"n": 2})], patience=0.5
    )
    assert results["silent"].status == "failed"
    assert "no answer within 0.5" in results["silent"].notes[0]
    assert results["after"].status == "passed"


def test_what_is_not_the_protocol_counts_as_a_crash() -> None:
    result = play([table("babble", {"babble": True})])["babble"]
    assert result.status == "failed"
    assert "not an answer of the protocol" in result.notes[0]


def test_a_feature_that_is_not_supported_skips_with_the_drivers_reason() -> None:
    supports = dict.fromkeys(FEATURES, True) | {"core.durations": "dates are not done yet"}
    result = play([table("one", {"say": {"n": 1}}, {"n": 1})], supports=supports)["one"]
    assert result.status == "skipped"
    assert result.notes == ("core.durations: dates are not done yet",)


def test_a_feature_that_the_driver_does_not_mention_is_an_error() -> None:
    with pytest.raises(ConformanceError, match="does not say whether it supports"):
        play([table("one", {"say": {"n": 1}}, {"n": 1})], supports={"unary": True})


def test_a_driver_that_does_not_start_is_an_error() -> None:
    session = Session(
        lambda: Driver([sys.executable, "-c", "raise SystemExit('no such thing')"], FAKE.parent),
        "core",
        itertools.count(1),
        5.0,
    )
    with pytest.raises(ConformanceError, match=r"does not start.*no such thing"):
        list(session.run([table("one", {"say": {"n": 1}}, {"n": 1})]))
