"""The local engine in virtual time: BA-01, BA-02 and what a run promises beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llm_forge import AuthenticationError, BatchError, Event, JournalError, QuotaExceededError
from llm_forge.runtime.scripted import Answer
from llm_forge.runtime.transports import HttpRequest
from llm_forge.unified import jobs
from llm_forge.unified.jobs import State
from tests.whole_system import servers
from tests.whole_system.network import Server
from tests.whole_system.servers import Faulty

from .world import MODEL, Watched, healthy, prompts, run_job

COUNT = 1000


def failing_on(text: str, status: int, times: int = 10**6) -> Server:
    """A server that refuses requests with this text, so many times."""
    answered = healthy()
    left = times

    def server(request: HttpRequest, now: float) -> Answer | Exception:
        nonlocal left
        if text.encode() in (request.body or b"") and left:
            left -= 1
            body = json.dumps({"error": {"message": "no", "type": "x"}}).encode()
            return Answer(status, [servers.JSON], [body], 0.02)
        return answered(request, now)

    return server


@pytest.mark.requirement("R-230")
def test_hooks_are_told_of_each_item_when_its_outcome_is_durable(tmp_path: Path) -> None:
    events: list[Event] = []
    durable: list[bool] = []
    path, network = tmp_path / "a.db", Watched(failing_on('item-2."', 400))

    def hook(event: Event) -> None:
        events.append(event)
        if event.name == "batch-item":
            durable.append(list(jobs.Job(path))[event.facts["index"]].state in (State.DONE, State.FAILED))

    run_job(path, network, prompts(4), options={"on_event": hook}, concurrency=2)
    calls = {event.call_id: event.context.attempt for event in events if event.name == "call-end"}
    items = {event.facts["index"]: event for event in events if event.name == "batch-item"}
    assert {index: event.facts["outcome"] for index, event in items.items()} == {
        0: "ok", 1: "ok", 2: "BadRequestError", 3: "ok",
    }  # fmt: skip
    assert {event.call_id: event.attempt for event in items.values()} == calls, "each names its call"
    assert dict(items[3].facts) == {"outcome": "ok", "index": 3, "id": "3", "attempts": 1}
    assert durable == [True] * 4


@pytest.mark.requirement("R-180", "R-181")
def test_ba_01_a_thousand_items_with_faults_have_a_thousand_outcomes_in_order(tmp_path: Path) -> None:
    network = Watched(Faulty(7, 0.3, servers.RETRYABLE))
    outcomes: list[jobs.Outcome] = []
    read, ahead = 0, 0

    def source() -> Iterator[str]:
        nonlocal read, ahead
        for prompt in prompts(COUNT):
            read += 1
            ahead = max(ahead, read - len(outcomes))
            yield prompt

    out = tmp_path / "a.jsonl"
    job = run_job(tmp_path / "a.db", network, source(), on_outcome=outcomes.append, out=out, passes=1)
    counts = job.status().counts
    assert counts[State.DONE] + counts[State.FAILED] == COUNT
    assert counts[State.DONE] > 0.95 * COUNT
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [line["index"] for line in lines] == list(range(COUNT))
    assert all((line["text"] == servers.TEXT) == ("reply" in line) != ("error" in line) for line in lines)
    assert sum(line["attempts"] for line in lines) == len(network.bodies)
    assert network.most == 8
    assert ahead <= 16
    assert len(outcomes) == len({one.id for one in outcomes}) == COUNT


@pytest.mark.requirement("R-181")
def test_ba_02_one_failure_leaves_the_others_alone(tmp_path: Path) -> None:
    network = Watched(failing_on("item-5.", 400))
    job = run_job(tmp_path / "a.db", network, prompts(COUNT))
    counts = job.status().counts
    assert (counts[State.DONE], counts[State.FAILED]) == (COUNT - 1, 1)
    failed = next(one for one in job if one.error)
    assert (failed.id, failed.index) == ("5", 5)
    assert failed.error is not None
    assert (failed.error["kind"], failed.error["status"]) == ("BadRequestError", 400)
    assert failed.to_dict()["attempts"] == 1


@pytest.mark.requirement("R-181")
def test_ba_02_with_fail_fast_one_failure_cancels_the_rest(tmp_path: Path) -> None:
    network = Watched(failing_on("item-5.", 400))
    job = run_job(tmp_path / "a.db", network, prompts(COUNT), fail_fast=True)
    counts = job.status().counts
    assert counts[State.FAILED] == 1
    assert counts[State.CANCELLED] >= COUNT - 16
    assert sum(counts.values()) == COUNT
    assert network.open_now == network.under_way == 0
    before = len(network.bodies)
    run_job(tmp_path / "a.db", network, None)
    assert len(network.bodies) == before, "a cancelled job sends nothing"


@pytest.mark.requirement("R-183")
def test_a_run_on_a_finished_job_sends_nothing_and_leaves_the_output_as_it_is(tmp_path: Path) -> None:
    network, out = Watched(Faulty(7, 0.3, servers.RETRYABLE)), tmp_path / "a.jsonl"
    run_job(tmp_path / "a.db", network, prompts(50), out=out)
    requests, first = len(network.bodies), out.read_bytes()
    for inputs in (None, prompts(50), iter(prompts(50))):
        run_job(tmp_path / "a.db", network, inputs, out=out)
    assert len(network.bodies) == requests
    assert out.read_bytes() == first


@pytest.mark.requirement("R-060")
def test_what_time_may_cure_goes_again_in_a_later_pass_a_bounded_number_of_times(tmp_path: Path) -> None:
    network = Watched(failing_on("item-3.", 500))
    job = run_job(tmp_path / "a.db", network, prompts(6), passes=2, concurrency=1)
    assert network.asked("item-3.") == 2 * 3, "two passes of three attempts"
    order = [body for body in network.bodies if b"item-3." in body or b"item-5." in body]
    assert b"item-3." in order[-1], "the second pass comes after all others"
    assert job.status().counts[State.FAILED] == 1
    cured = Watched(failing_on("item-3.", 500, times=3))
    assert run_job(tmp_path / "b.db", cured, prompts(6)).status().counts[State.DONE] == 6


@pytest.mark.parametrize(("status", "error"), [(401, AuthenticationError), (402, QuotaExceededError)])
def test_what_no_item_can_overcome_ends_the_run_and_costs_no_item(
    tmp_path: Path, status: int, error: type[Exception]
) -> None:
    refused = Watched(failing_on("item-", status))
    with pytest.raises(error):
        run_job(tmp_path / "a.db", refused, prompts(100))
    assert len(refused.bodies) <= 8
    assert jobs.Job(tmp_path / "a.db").status().counts[State.PENDING] == 100
    job = run_job(tmp_path / "a.db", Watched(healthy()), None)
    assert job.status().counts[State.DONE] == 100


@pytest.mark.requirement("R-180")
def test_a_job_waits_out_an_outage_instead_of_failing_its_items(tmp_path: Path) -> None:
    down = servers.status(500)
    up = healthy()
    chance: Any = None

    def server(request: HttpRequest, now: float) -> Answer | Exception:
        return down(request, chance) if 20 <= now < 140 else up(request, now)

    network = Watched(server)
    job = run_job(tmp_path / "a.db", network, prompts(COUNT), passes=5)
    assert job.status().counts[State.DONE] == COUNT
    assert len(network.bodies) < 1.7 * COUNT, "the circuit kept calls back"


@pytest.mark.requirement("R-185")
def test_a_job_refuses_other_inputs_another_model_and_other_parameters(tmp_path: Path) -> None:
    network, path = Watched(healthy()), tmp_path / "a.db"
    run_job(path, network, prompts(5), parameters={"seed": 1})
    sent = len(network.bodies)
    for inputs in (prompts(4), prompts(6), ["other", *prompts(5)[1:]], iter(prompts(6))):
        with pytest.raises(JournalError, match="not the inputs"):
            run_job(path, network, inputs, parameters={"seed": 1})
    with pytest.raises(JournalError, match="parameters"):
        run_job(path, network, prompts(5))
    with pytest.raises(JournalError, match="mistral/x"):
        jobs.run(path, "mistral/x", prompts(5), options={"api_key": "canary"})
    assert len(network.bodies) == sent


@pytest.mark.requirement("R-185")
def test_a_job_that_was_interrupted_while_it_read_an_iterator_needs_it_again(tmp_path: Path) -> None:
    def broken() -> Iterator[str]:
        yield from prompts(20)
        raise LookupError("the source is gone")

    network, path = Watched(healthy()), tmp_path / "a.db"
    with pytest.raises(LookupError, match="the source is gone"):
        run_job(path, network, broken())
    status = jobs.Job(path).status()
    assert status.total is None
    assert not status.is_finished
    with pytest.raises(BatchError, match="same inputs"):
        run_job(path, network, None)
    with pytest.raises(JournalError, match="differs at item 0"):
        run_job(path, network, iter(["other"] * 20))
    job = run_job(path, network, iter(prompts(30)))
    assert job.status().counts[State.DONE] == 30
    assert len(network.bodies) == 30


def test_failed_and_cancelled_items_go_again_when_asked(tmp_path: Path) -> None:
    path, broken = tmp_path / "a.db", Watched(failing_on("item-5.", 400))
    run_job(path, broken, prompts(30), fail_fast=True, concurrency=2)
    network = Watched(healthy())
    run_job(path, network, None, again="failed")
    assert network.asked("item-5.") == len(network.bodies) == 1
    job = run_job(path, network, None, again="all")
    assert job.status().counts[State.DONE] == 30


@pytest.mark.requirement("R-182")
def test_what_is_reported_is_in_the_file_already(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    seen = []

    def check(outcome: jobs.Outcome) -> None:
        stored = list(jobs.Job(path))[outcome.index]
        seen.append(stored == outcome)

    run_job(path, Watched(healthy()), prompts(40), on_outcome=check)
    assert seen == [True] * 40


def test_the_job_that_another_process_cancels_lets_its_calls_end(tmp_path: Path) -> None:
    path, network = tmp_path / "a.db", Watched(healthy())
    done: list[jobs.Outcome] = []

    def cancel_at_50(outcome: jobs.Outcome) -> None:
        done.append(outcome)
        if len(done) == 50:
            jobs.Job(path).cancel()

    job = run_job(path, network, prompts(COUNT), on_outcome=cancel_at_50)
    counts = job.status().counts
    assert 50 <= counts[State.DONE] <= 50 + 16
    assert counts[State.CANCELLED] == COUNT - counts[State.DONE]
    assert job.status().is_finished
    assert len(network.bodies) == counts[State.DONE], "every call that was sent has its answer in the file"


def test_a_stream_shows_when_its_first_token_came(tmp_path: Path) -> None:
    job = run_job(tmp_path / "a.db", Watched(healthy()), prompts(3), stream=True)
    for outcome in job:
        assert outcome.text == servers.TEXT
        assert outcome.answer.first_token is not None
        assert outcome.answer.latency is not None
        assert 0.05 <= outcome.answer.first_token < outcome.answer.latency


def test_the_handle_of_a_model_runs_a_job_too(tmp_path: Path) -> None:
    class Echo:
        name = "own/echo"

        async def ask(self, item: Any) -> jobs.Answer:
            return jobs.Answer(text=json.loads(item.messages)[0]["content"])

        async def close(self) -> None:
            pass

    job = jobs.run(tmp_path / "a.db", Echo(), [{"id": "x", "prompt": "hello"}])
    assert [(one.id, one.text) for one in job] == [("x", "hello")]
    assert MODEL != job.status().model == "own/echo"
