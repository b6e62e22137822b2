"""The report says what the outcomes say, and nothing that a provider could have smuggled in."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from llm_forge.unified.jobs import Answer, Outcome, State
from llm_forge.unified.jobs.report import Facts, bars, page, quantile

from .world import Watched, healthy, prompts, run_job


def outcome(index: int, answer: Answer) -> Outcome:
    return Outcome(str(index), index, answer.state, answer)


def test_the_facts_are_sums_over_the_outcomes() -> None:
    facts = Facts.of(
        [
            outcome(
                0, Answer(text="a", usage={"prompt_tokens": 5, "completion_tokens": 2}, attempts=1, cost=0.5)
            ),
            outcome(
                1, Answer(text="b", usage={"input_tokens": 7, "output_tokens": 1}, attempts=3, latency=2.0)
            ),
            outcome(2, Answer(error={"kind": "ServerError", "status": 500, "message": "down"}, attempts=3)),
            Outcome("3", 3, State.CANCELLED, Answer()),
        ]
    )
    assert (facts.input_tokens, facts.output_tokens, facts.cost) == (12, 3, 0.5)
    assert facts.states == {State.DONE: 2, State.FAILED: 1, State.CANCELLED: 1}
    assert (facts.attempts, facts.latencies) == ({1: 1, 3: 2}, [2.0])
    assert facts.errors == {"ServerError 500": 1}
    assert facts.examples == {"ServerError 500": "down"}


def test_quantiles_and_bars() -> None:
    values = [float(n) for n in range(1, 101)]
    assert [quantile(values, share) for share in (0.5, 0.9, 0.99, 1.0)] == [50, 90, 99, 100]
    counts, width = bars([*values, 10_000.0])
    assert sum(counts) == 101
    assert width == pytest.approx(10_000 / 24, rel=0.99) or width < 10
    assert bars([0.0, 0.0])[0][0] == 2


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        assert not {name for name, _ in attrs} & {"src", "href", "onload"}, "it needs no other file"


def test_text_of_a_provider_is_only_text() -> None:
    evil = "<script>alert(1)</script>"
    answer = Answer(error={"kind": evil, "message": evil}, latency=1.0)
    tags = Tags()
    tags.feed(page(evil, Facts.of([outcome(0, answer)]), [evil]))
    assert "svg" in tags.seen
    assert "script" not in tags.seen


def test_a_job_writes_its_report(tmp_path: Path) -> None:
    job = run_job(tmp_path / "a.db", Watched(healthy()), prompts(20), stream=True)
    text = job.report(tmp_path / "report.html").read_text("utf-8")
    assert "openai/gpt-4o-mini" in text
    assert text.count("<svg") == 2, "latency and time to first token"
    assert "<b>20</b><span>done</span>" in text
