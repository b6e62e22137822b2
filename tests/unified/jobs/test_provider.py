"""The provider engine: BA-06 to BA-11, against the simulator with its clock moved, and in memory."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from llm_forge import BatchError, ConfigError, Event, NotFoundError, Usage
from llm_forge.runtime.clock import Clock
from llm_forge.simulator import Simulator
from llm_forge.unified import jobs
from llm_forge.unified.jobs import Answer, State
from llm_forge.unified.jobs.importing import Importer
from llm_forge.unified.jobs.provider.engine import BatchRun
from llm_forge.unified.jobs.provider.matching import Matching, Result
from llm_forge.unified.jobs.provider.part_store import OWNER, PartStore
from llm_forge.unified.jobs.provider.parts import Part, PartState, custom_id, index_of, split
from llm_forge.unified.jobs.provider.polling import next_poll
from llm_forge.unified.jobs.provider.services import Found, Poll
from llm_forge.unified.prices import cost_of

from .world import inline, prompts

MODELS = {
    "anthropic": "anthropic/claude-sonnet-4-5",
    "groq": "groq/llama-3.3-70b-versatile",
    "mistral": "mistral/mistral-small-latest",
    "openai": "openai/gpt-4o-mini",
}
# What the services with files of requests call their operations.
OPERATIONS = {
    "mistral": {name: f"batch.jobs.{name}" for name in ("create", "get", "list", "cancel")}
    | {"content": "files.download"},
    "openai": {name: f"batches.{name}" for name in ("create", "get", "list", "cancel")}
    | {"content": "files.content"},
}
with_files = pytest.mark.parametrize("provider", sorted(OPERATIONS))


class SimulatedClock(Clock):
    """Waiting moves the simulator's clock, and takes no time."""

    def __init__(self, simulator: Simulator, then: Callable[[int], None] = lambda waits: None) -> None:
        self._simulator = simulator
        self._then = then
        self.waits: list[float] = []

    def now(self) -> float:
        return time.monotonic() + sum(self.waits)

    def wall(self) -> float:
        return time.time() + sum(self.waits)

    async def asleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self._simulator.advance(seconds)
        self._then(len(self.waits))


def run_batch(
    path: Path, simulator: Simulator, clock: Clock, inputs: Any, provider: str = "openai", **options: Any
) -> jobs.Job:
    client = {"api_key": "any", "base_url": simulator.base_urls[provider], "max_attempts": 1}
    return jobs.run(
        path,
        MODELS[provider],
        inputs,
        engine="provider",
        clock=clock,
        options=client,
        offload=inline,
        **options,
    )


def _cost(provider: str, lines: list[dict[str, Any]]) -> float | None:
    """Half of what the calls would cost."""
    name, usages = MODELS[provider].partition("/")[2], [line["usage"] for line in lines]
    if provider == "groq":
        return None
    used = [Usage(input=one["input"], output=one["output"], cached=one["cached"]) for one in usages]
    costs = [cost_of(provider, name, one) for one in used]
    return sum(one.total for one in costs if one is not None) / 2


def parts_of(path: Path) -> list[Part]:
    with closing(PartStore(path)) as store:
        return store.parts()


@pytest.mark.requirement("R-186", "R-187", "R-190")
@pytest.mark.parametrize("provider", sorted(MODELS))
def test_a_job_by_batch_gives_the_outcomes_of_a_local_one_in_input_order(
    tmp_path: Path, provider: str
) -> None:
    with Simulator(seed=2) as simulator:
        clock = SimulatedClock(simulator)
        reported: list[jobs.Outcome] = []
        progress: list[jobs.Progress] = []
        options = {
            "out": tmp_path / "out.jsonl",
            "on_outcome": reported.append,
            "on_progress": progress.append,
        }
        job = run_batch(tmp_path / "a.db", simulator, clock, prompts(30), provider, **options)
        assert [one.text for one in job] == [f"item-{number}." for number in range(30)]
        assert len(reported) == 30
        assert [(one.done, one.total) for one in progress] == [(done, 30) for done in range(1, 31)]
        lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
        assert [line["index"] for line in lines] == list(range(30))
        assert all(line["usage"] and line["reply"]["id"] for line in lines)
        assert {line["cost"] is None for line in lines} == {provider == "groq"}, "its discount is not known"
        assert job.status().cost == progress[-1].cost == pytest.approx(_cost(provider, lines))
        (part,) = parts_of(tmp_path / "a.db")
        assert (part.state, part.size, part.doubled) == (PartState.DONE, 30, 0)
        assert part.expires_at is not None
        assert not list(tmp_path.glob("*.part*")), "its files are gone once all of it counts"
        sent = simulator.ledger.attempts()
        run_batch(tmp_path / "a.db", simulator, clock, None, provider)
        assert simulator.ledger.attempts() == sent, "a finished job sends nothing"


@pytest.mark.requirement("R-230")
def test_hooks_are_told_of_each_item_by_the_id_that_the_provider_had(tmp_path: Path) -> None:
    events: list[Event] = []
    with Simulator(seed=2) as simulator:
        client = {"api_key": "any", "base_url": simulator.base_urls["openai"], "on_event": events.append}
        clock = SimulatedClock(simulator)
        given: dict[str, Any] = {"engine": "provider", "clock": clock, "options": client, "offload": inline}
        jobs.run(tmp_path / "a.db", MODELS["openai"], prompts(3), **given)
    (part,) = parts_of(tmp_path / "a.db")
    told = [event for event in events if event.name == "batch-item"]
    items = sorted(told, key=lambda event: event.call_id)  # results come in any order
    assert [(event.call_id, event.attempt) for event in items] == [
        (custom_id(part.tag, index), 0) for index in range(3)
    ]
    assert [dict(event.facts) for event in items] == [
        {"outcome": "ok", "index": index, "id": str(index), "attempts": 1} for index in range(3)
    ]
    assert {event.context.model for event in items} == {"gpt-4o-mini"}


@pytest.mark.requirement("R-186")
@with_files
def test_ba_06_a_submission_that_timed_out_although_accepted_is_found_by_its_tag(
    tmp_path: Path, provider: str
) -> None:
    named = OPERATIONS[provider]
    with Simulator(seed=2) as simulator:
        simulator.inject({"operation": named["create"], "cut": {"bytes": 5, "end": "reset"}, "times": 1})
        job = run_batch(tmp_path / "a.db", simulator, SimulatedClock(simulator), prompts(5), provider)
        assert job.status().counts[State.DONE] == 5
        assert simulator.ledger.attempts(operation=named["create"]) == 1
        assert simulator.ledger.attempts(operation=named["list"]) == 1


@pytest.mark.requirement("R-186")
def test_ba_06_a_batch_without_a_tag_is_waited_for_and_known_by_its_first_custom_id(tmp_path: Path) -> None:
    with Simulator(seed=2) as simulator:
        cut = {"operation": "messages.batches.create", "cut": {"bytes": 5, "end": "reset"}, "times": 1}
        simulator.inject(cut)
        clock = SimulatedClock(simulator)
        job = run_batch(tmp_path / "a.db", simulator, clock, prompts(5), "anthropic")
        assert job.status().counts[State.DONE] == 5
        assert simulator.ledger.attempts(operation="messages.batches.create") == 1
        assert simulator.ledger.attempts(operation="messages.batches.list") > 1, "it had not ended at first"


@pytest.mark.requirement("R-186")
@with_files
def test_a_submission_that_never_arrived_is_made_again(tmp_path: Path, provider: str) -> None:
    named = OPERATIONS[provider]
    with Simulator(seed=2) as simulator:
        simulator.inject({"operation": named["create"], "drop": "reset", "times": 2})
        job = run_batch(tmp_path / "a.db", simulator, SimulatedClock(simulator), prompts(5), provider)
        assert job.status().counts[State.DONE] == 5
        assert simulator.ledger.attempts(operation=named["create"]) == 3


@pytest.mark.requirement("R-186", "R-184")
@with_files
def test_a_process_that_dies_at_any_wait_or_request_leaves_one_batch_that_the_next_run_continues(
    tmp_path: Path, provider: str
) -> None:
    named = OPERATIONS[provider]

    class Killed(BaseException):
        pass

    for at in range(1, 9):
        with Simulator(seed=2) as simulator:

            def die(waits: int, at: int = at) -> None:
                if waits == at:
                    raise Killed

            path = tmp_path / f"{at}.db"
            simulator.inject({"operation": named["create"], "cut": {"bytes": 5, "end": "reset"}, "times": 1})
            try:
                run_batch(path, simulator, SimulatedClock(simulator, die), prompts(5), provider)
            except BaseExceptionGroup as group:
                assert group.subgroup(Killed) is not None
            except Killed:
                pass
            job = run_batch(path, simulator, SimulatedClock(simulator), prompts(5), provider)
            assert job.status().counts[State.DONE] == 5
            assert simulator.ledger.attempts(operation=named["create"]) == 1


@pytest.mark.requirement("R-189")
@with_files
def test_ba_08_a_poll_survives_errors_waits_and_ten_minutes_without_network(
    tmp_path: Path, provider: str
) -> None:
    named = OPERATIONS[provider]
    with Simulator(seed=2) as simulator:
        simulator.inject({"operation": named["get"], "nth": 1, "status": 500})
        simulator.inject({"operation": named["get"], "nth": 2, "status": 429, "retry_after": 60})
        simulator.inject({"operation": named["get"], "drop": "reset"})

        def reconnect(waits: int) -> None:
            if sum(clock.waits[2:]) > 600:
                simulator.faults.clear()

        clock = SimulatedClock(simulator, reconnect)
        job = run_batch(tmp_path / "a.db", simulator, clock, prompts(5), provider)
        assert job.status().counts[State.DONE] == 5
        assert simulator.ledger.attempts(operation=named["create"]) == 1
        waits = clock.waits
        assert sum(waits) > 660, "ten minutes without network, and what the server asked for"
        assert 9 <= waits[0] <= 11
        assert waits[2] >= 60, "what the server asked for"
        for number, wait in enumerate(waits):
            grown = min(10 * 1.5**number, 300)
            assert 0.9 * grown <= wait <= max(1.1 * grown, 60)


@pytest.mark.requirement("R-190")
@with_files
def test_ba_09_a_result_file_that_was_cut_is_fetched_again_and_counts_only_when_whole(
    tmp_path: Path, provider: str
) -> None:
    named = OPERATIONS[provider]
    with Simulator(seed=2) as simulator:
        simulator.inject({"operation": named["content"], "cut": {"bytes": 700, "end": "close"}, "times": 2})
        recorded: list[int] = []
        clock = SimulatedClock(simulator)
        job = run_batch(
            tmp_path / "a.db",
            simulator,
            clock,
            prompts(5),
            provider,
            on_outcome=lambda one: recorded.append(one.index),
        )
        assert sorted(recorded) == list(range(5))
        assert job.status().counts[State.DONE] == 5
        assert simulator.ledger.attempts(operation=named["content"]) == 3


@pytest.mark.requirement("R-186", "R-187")
@with_files
def test_ba_11_a_cancelled_batch_keeps_what_was_done(tmp_path: Path, provider: str) -> None:
    named = OPERATIONS[provider]
    path = tmp_path / "a.db"
    with Simulator(seed=2) as simulator:

        def cancel(waits: int) -> None:
            if waits == 2:  # the batch is being worked on
                jobs.Job(path).cancel()

        job = run_batch(path, simulator, SimulatedClock(simulator, cancel), prompts(50), provider)
        counts = job.status().counts
        assert 0 < counts[State.DONE] < 50
        assert counts[State.CANCELLED] == 50 - counts[State.DONE]
        assert parts_of(path)[0].state is PartState.CANCELLED
        assert simulator.ledger.attempts(operation=named["cancel"]) == 1
        assert job.status().interrupted == ()


@with_files
def test_an_error_that_says_something_about_the_batch_is_raised(tmp_path: Path, provider: str) -> None:
    named = OPERATIONS[provider]
    with Simulator(seed=2) as simulator:
        simulator.inject({"operation": named["get"], "status": 404, "times": 1})
        with pytest.raises(NotFoundError):
            run_batch(tmp_path / "a.db", simulator, SimulatedClock(simulator), prompts(5), provider)
        job = run_batch(tmp_path / "a.db", simulator, SimulatedClock(simulator), None, provider)
        assert job.status().counts[State.DONE] == 5
        assert simulator.ledger.attempts(operation=named["create"]) == 1


def test_a_handle_of_the_callers_has_no_batch_api(tmp_path: Path) -> None:
    class Own:
        name = "own/x"

        async def ask(self, item: Any) -> Answer:
            return Answer()

        async def close(self) -> None:
            pass

    with pytest.raises(ConfigError, match="by its name"):
        jobs.run(tmp_path / "a.db", Own(), ["x"], engine="provider")


class Remembered:
    """A provider in memory: what is submitted is answered by `answers`, in one file of results."""

    def __init__(self, answers: Callable[[list[str]], list[Result]], most_items: int = 50_000) -> None:
        self.most_items = most_items
        self.most_bytes = 10_000_000
        self.submitted: list[list[str]] = []
        self._answers = answers

    def line(self, custom_id: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"custom_id": custom_id, "body": body}

    async def submit(self, part: Part, lines: Path) -> str:
        del part
        self.submitted.append([json.loads(line)["custom_id"] for line in _lines_of(lines)])
        return str(len(self.submitted) - 1)

    async def find(self, part: Part) -> Found:
        del part
        return Found()

    async def poll(self, provider_id: str) -> Poll:
        return Poll(PartState.DONE, (provider_id,), 1e10)

    async def cancel(self, provider_id: str) -> None:
        raise AssertionError(provider_id)

    async def fetch(self, source: str, path: Path) -> None:
        results = self._answers(self.submitted[int(source)])
        _write(path, [{"id": one.custom_id, "kind": one.kind, "body": dict(one.body)} for one in results])

    def read(self, line: Mapping[str, Any]) -> Result:
        return Result(line["id"], line["kind"], line["body"])


def _lines_of(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def _write(path: Path, lines: list[Any]) -> None:
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")


class NoTime(Clock):
    """Nothing takes time."""

    async def asleep(self, seconds: float) -> None:
        del seconds


def in_memory(path: Path, service: Remembered, inputs: list[str]) -> jobs.Job:
    with closing(PartStore(path, owner=OWNER)) as store:
        Importer(store, inputs)
        store.put(engine="provider", model="own/x")
        run = BatchRun(
            store=store,
            service=service,
            body=lambda item: {"index": item.index},
            read=lambda body: Answer(text=body["text"]),
            offload=inline,
            chance=lambda: 0.5,
            clock=NoTime(),
        )
        asyncio.run(run.finish())
    return jobs.Job(path)


@pytest.mark.requirement("R-187")
def test_ba_07_each_input_has_one_outcome_whatever_the_results_look_like(tmp_path: Path) -> None:
    def answers(ids: list[str]) -> list[Result]:
        found = [Result(one, "succeeded", {"text": f"answer {one.rpartition('-')[2]}"}) for one in ids]
        found[2] = Result(ids[2], "errored", error={"kind": "BadRequestError", "message": "no"})
        found[3] = Result(ids[3], "expired")
        doubled = Result(ids[4], "succeeded", {"text": "the second"})
        del found[1]  # missing
        Random(1).shuffle(found)
        return [*found, doubled, Result("nobody-7", "succeeded", {"text": "x"})]

    job = in_memory(tmp_path / "a.db", Remembered(answers), prompts(10))
    outcomes = list(job)
    assert [one.index for one in outcomes] == list(range(10))
    kinds = {one.index: one.error["kind"] for one in outcomes if one.error}
    assert kinds == {1: "Missing", 2: "ApiError", 3: "Expired"}
    assert [one.text for one in outcomes if not one.error] == [f"answer {n}" for n in (0, 4, 5, 6, 7, 8, 9)]
    assert job.status().counts[State.FAILED] == 3
    assert parts_of(tmp_path / "a.db")[0].doubled == 1


@pytest.mark.requirement("R-188")
def test_ba_10_a_job_beyond_the_providers_limits_is_split_and_its_results_are_one(tmp_path: Path) -> None:
    service = Remembered(
        lambda ids: [Result(one, "succeeded", {"text": one.rpartition("-")[2]}) for one in reversed(ids)],
        most_items=500,
    )
    job = in_memory(tmp_path / "a.db", service, prompts(1200))
    assert [len(part) for part in service.submitted] == [500, 500, 200]
    assert [one.text for one in job] == [str(number) for number in range(1200)]
    ids = [one for part in service.submitted for one in part]
    assert len(set(ids)) == 1200
    assert all(len(one) <= 64 and set(one) <= set("0123456789abcdef-") for one in ids)


@pytest.mark.requirement("R-188")
def test_ba_10_no_part_exceeds_a_limit_of_items_or_bytes() -> None:
    assert list(split([1_000] * 120_000, 50_000, 200_000_000)) == [50_000, 50_000, 20_000]
    sizes = [Random(3).randint(1, 20_000) for _ in range(120_000)]
    parts = list(split(sizes, 50_000, 200_000_000))
    assert sum(parts) == 120_000
    begin = 0
    for size in parts:
        assert size <= 50_000
        assert sum(sizes[begin : begin + size]) <= 200_000_000
        begin += size
    assert list(split([], 10, 10)) == []
    with pytest.raises(BatchError, match="11 bytes"):
        list(split([11], 10, 10))


@pytest.mark.requirement("R-187")
def test_only_custom_ids_of_the_part_itself_name_an_item() -> None:
    assert index_of("0" * 12, custom_id("0" * 12, 7)) == 7
    for other in (custom_id("1" * 12, 7), "7", "", None, 7, f"{'0' * 12}-", f"{'0' * 12}-7x"):
        assert index_of("0" * 12, other) is None
    matching = Matching("0" * 12, [1, 2])
    assert matching.add(Result(custom_id("0" * 12, 1), "succeeded")) == 1
    assert matching.add(Result(custom_id("0" * 12, 1), "errored")) is None
    assert matching.add(Result(custom_id("0" * 12, 9), "succeeded")) is None
    assert (matching.doubled, matching.unknown, matching.missing()) == (1, 1, [2])


@pytest.mark.requirement("R-189")
def test_polls_grow_from_ten_seconds_to_five_minutes_and_obey_the_server() -> None:
    waits = [next_poll(polls, 0.5) for polls in range(12)]
    assert waits[:3] == [10.0, 15.0, 22.5]
    assert waits[-1] == 300.0
    assert next_poll(0, 0.0) == pytest.approx(9.0)
    assert next_poll(0, 1.0) == pytest.approx(11.0)
    assert next_poll(0, 0.5, server_wait=400.0) == 400.0
    assert next_poll(10**6, 0.5) == 300.0
