"""A bounded run of everything that `make fuzz` does for as long as one likes."""

from __future__ import annotations

from random import Random

import pytest

from llm_forge.core.profile import Family, StreamRule
from llm_forge.core.sse import SseDecoder
from llm_forge.core.stream import StreamReader
from llm_forge.targets import TARGETS

from . import descriptions, oracle, splits, streams, texts
from .jobs import Job, jobs
from .stories import FAMILIES, story

JOBS = jobs()
SEED = 20_260


@pytest.mark.parametrize(
    "job", [one for one in JOBS.values() if one.unit == "steps"], ids=lambda job: job.name
)
def test_every_stateful_model_holds_and_its_steps_are_counted(job: Job) -> None:
    assert job.run(SEED, 600) >= 600


@pytest.mark.requirement("R-125", "R-126", "R-127", "R-128", "R-129", "R-130", "R-131", "R-132")
def test_the_decoder_agrees_with_a_plain_parser_in_every_split() -> None:
    assert splits.check(SEED, 20_000) >= 20_000


@pytest.mark.requirement("R-125")
def test_a_decoder_that_loses_a_byte_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = SseDecoder.feed
    monkeypatch.setattr(SseDecoder, "feed", lambda self, chunk: feed(self, chunk[:7]))
    with pytest.raises(AssertionError, match="the standard gives"):
        splits.check(SEED, 1000)


def test_the_oracle_reads_the_example_of_the_standard() -> None:
    body = b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n"
    parsed = oracle.parse(body, oracle.Limits())
    assert [event[:3] for event in parsed.events] == [
        ("message", "first event", "1"),
        ("message", "second event", ""),
    ]
    assert parsed.rest is not None
    assert parsed.rest[1] == " third event"


@pytest.mark.requirement("R-144", "R-146", "R-169")
@pytest.mark.parametrize("family", FAMILIES)
def test_streams_whole_cut_and_damaged_are_never_silently_short(family: Family) -> None:
    assert streams.check(family)(SEED, 2_000) >= 2_000


@pytest.mark.requirement("R-144")
@pytest.mark.parametrize("family", FAMILIES)
def test_an_accumulator_that_calls_a_cut_stream_complete_is_found_out(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = type(StreamReader(StreamRule(family, dict), lambda _: None).accumulator)
    monkeypatch.setattr(made, "ending", lambda _: "explicit")
    with pytest.raises(AssertionError):
        streams.check(family)(SEED, 2_000)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_story_is_told_the_same_way_by_the_same_seed(family: Family) -> None:
    assert story(family, Random(3)).wire() == story(family, Random(3)).wire()


@pytest.mark.requirement("R-065", "R-114", "R-214")
def test_headers_error_bodies_and_json_are_read_whatever_they_say() -> None:
    assert texts.check(SEED, 3_000) >= 3_000


@pytest.mark.requirement("R-245", "R-246", "R-248", "R-249")
def test_hostile_descriptions_are_read_or_refused_and_never_executed() -> None:
    assert descriptions.check(SEED, 150) == 150


@pytest.mark.requirement("R-245")
def test_a_target_that_lets_a_text_through_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    target = TARGETS["python"]
    leaky = {"a.py": "cAnary__()\n"}
    monkeypatch.setattr(type(target), "faces", lambda self, api: leaky)
    with pytest.raises(AssertionError, match="hostile description"):
        descriptions.check(SEED, 20)
