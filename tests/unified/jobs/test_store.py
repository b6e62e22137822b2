"""The job file: BA-04 and BA-05, and that nothing but the table of states moves an item."""

from __future__ import annotations

import shutil
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import pytest

from llm_forge import BatchError, JournalError
from llm_forge.unified import jobs
from llm_forge.unified.jobs.items import Answer, Item, item_of
from llm_forge.unified.jobs.lock import JobLock
from llm_forge.unified.jobs.states import State, before
from llm_forge.unified.jobs.store import Ended, Returned, Sent, Store
from llm_forge.unified.jobs.wal import is_damaged

from .world import Watched, healthy, prompts, run_job


def items(count: int) -> list[Item]:
    return [item_of(f"prompt {index}", index, "test") for index in range(count)]


def end(store: Store, item: Item, text: str = "an answer of some length") -> None:
    store.apply([Sent(item.index)])
    assert store.apply([Ended(item, Answer(text=text))]) == []


def worked(folder: Path, count: int, ended: int) -> Path:
    """A job killed after so many outcomes: its file and log as the disk has them."""
    folder.mkdir()
    with closing(Store(folder / "live.db", owner="one")) as store:
        store.append(items(count))
        for item in store.claim(ended, -1, 0.0):
            end(store, item)
        for suffix in ("", "-wal"):
            shutil.copy(folder / f"live.db{suffix}", folder / f"killed.db{suffix}")
    return folder / "killed.db"


def log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


@pytest.mark.requirement("R-183", "R-184")
def test_a_killed_job_has_all_that_was_recorded(tmp_path: Path) -> None:
    path = worked(tmp_path / "a", 20, 10)
    with closing(Store(path)) as store:
        store.verify()
        assert store.counts()[State.DONE] == 10


@pytest.mark.requirement("R-183")
@pytest.mark.parametrize("lost", [1, 100, 4000])
def test_ba_04_a_torn_last_record_is_dropped_and_done_again(tmp_path: Path, lost: int) -> None:
    path = worked(tmp_path / "a", 20, 10)
    log = log_of(path)
    log.write_bytes(log.read_bytes()[:-lost])
    with closing(Store(path, owner="two")) as store:
        store.verify()
        store.recover()
        assert store.counts()[State.DONE] == 9
        assert store.interrupted() == ["9"], "its request had been sent"
        (again,) = store.claim(1, -1, 0.0)
        assert again.id == "9"
        end(store, again)
        assert store.counts()[State.DONE] == 10


@pytest.mark.requirement("R-183")
def test_ba_04_a_flipped_byte_in_the_middle_is_an_error_and_never_silent_loss(tmp_path: Path) -> None:
    path = worked(tmp_path / "a", 20, 10)
    whole = log_of(path).read_bytes()
    frame = 24 + struct.unpack(">I", whole[8:12])[0]
    for place in (40, 32 + 24 + 100, len(whole) // 2, len(whole) - 3 * frame):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        log_of(path).write_bytes(damaged)
        with pytest.raises(JournalError, match="damaged"):
            Store(path)
    log_of(path).write_bytes(whole)
    Store(path).close()


@pytest.mark.requirement("R-183")
def test_ba_04_a_flipped_byte_in_the_file_itself_is_an_error(tmp_path: Path) -> None:
    path, network = tmp_path / "a.db", Watched(healthy())
    run_job(path, network, prompts(30))
    whole, sent = path.read_bytes(), len(network.bodies)
    for part in (b"finish_reason", b"item-20."):
        place = whole.find(part)
        assert place > 0
        damaged = bytearray(whole)
        damaged[place] ^= 0x02
        path.write_bytes(damaged)
        with pytest.raises(JournalError, match="damaged"):
            run_job(path, network, None)
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(JournalError, match="damaged"):
        run_job(path, network, None)
    assert len(network.bodies) == sent


@pytest.mark.requirement("R-183")
def test_ba_04_two_processes_cannot_run_one_job(tmp_path: Path) -> None:
    path, network = tmp_path / "a.db", Watched(healthy())
    with closing(JobLock(path)), pytest.raises(JournalError, match="Another process"):
        run_job(path, network, prompts(3))
    with (
        closing(JobLock(path, shared=True)),
        closing(JobLock(path, shared=True)),
        pytest.raises(JournalError, match="Another process"),
    ):
        run_job(path, network, prompts(3))
    assert network.bodies == []
    assert len(list(run_job(path, network, prompts(3)))) == 3


@pytest.mark.requirement("R-182")
def test_ba_05_a_full_disk_is_a_typed_error_and_nothing_is_reported_that_is_not_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, network = tmp_path / "a.db", Watched(healthy())
    reported: list[str] = []
    made = Store._prepare

    def on_a_small_disk(store: Store) -> None:
        made(store)
        store._db.execute("PRAGMA max_page_count=30")

    monkeypatch.setattr(Store, "_prepare", on_a_small_disk)
    with pytest.raises(BatchError, match="full") as raised:
        run_job(path, network, prompts(500), on_outcome=lambda one: reported.append(one.id))
    assert isinstance(raised.value.__cause__, sqlite3.OperationalError)
    monkeypatch.undo()
    stored = {one.id for one in jobs.Job(path) if one.state is State.DONE} if reported else set()
    assert set(reported) <= stored
    job = run_job(path, network, prompts(500))
    assert job.status().counts[State.DONE] == 500


@pytest.mark.requirement("R-182")
def test_ba_05_a_disk_that_fills_up_during_the_run_loses_only_calls_in_flight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, network = tmp_path / "a.db", Watched(healthy())
    reported: list[str] = []
    applied = Store.apply

    def until_full(store: Store, changes: list[object]) -> list[int]:
        if len(reported) >= 100:
            store._db.execute("PRAGMA max_page_count=1")
        return applied(store, changes)

    monkeypatch.setattr(Store, "apply", until_full)
    with pytest.raises(BatchError, match="full"):
        run_job(path, network, prompts(500), on_outcome=lambda one: reported.append(one.id))
    monkeypatch.undo()
    done = {one.id for one in jobs.Job(path) if one.state is State.DONE}
    assert set(reported) <= done
    before_resume = len(network.bodies)
    job = run_job(path, network, None)
    assert job.status().counts[State.DONE] == 500
    assert len(network.bodies) - before_resume == 500 - len(done)
    assert before_resume - len(done) <= 8, "paid twice: at most what was in flight"


def test_a_state_follows_only_those_of_the_table(tmp_path: Path) -> None:
    assert all(State.DONE not in before(state) for state in State), "nothing undoes an answer"
    with closing(Store(tmp_path / "a.db", owner="one")) as store:
        store.append(items(2))
        first, second = items(2)
        assert store.apply([Sent(0)]) == [0], "it was not leased"
        store.claim(1, -1, 0.0)
        assert store.apply([Ended(first, Answer(text="x"))]) == [0], "it was not sent"
        end(store, first)
        assert store.apply([Ended(first, Answer(text="y")), Returned(0), Sent(0)]) == [0, 0, 0]
        assert next(store.outcomes()).text == "an answer of some length"
        assert store.apply([Returned(second.index)]) == [1]


def test_an_outcome_of_a_lapsed_lease_comes_too_late(tmp_path: Path) -> None:
    with (
        closing(Store(tmp_path / "a.db", owner="one")) as one,
        closing(Store(tmp_path / "a.db", owner="two")) as two,
    ):
        one.append(items(1))
        (item,) = one.claim(1, -1, now=0.0, until=60.0)
        one.apply([Sent(0)])
        assert two.claim(1, -1, now=59.0, until=120.0) == []
        one.extend(until=90.0)
        assert two.claim(1, -1, now=61.0, until=120.0) == []
        assert two.claim(1, -1, now=91.0, until=150.0) == [item]
        end(two, item, "the second worker's")
        assert one.apply([Ended(item, Answer(text="the first worker's"))]) == [0]
        assert next(one.outcomes()).text == "the second worker's"
        assert one.interrupted() == ["0"]


def test_ids_must_differ(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "a.db")) as store, pytest.raises(BatchError, match="'x'"):
        store.append([item_of({"id": "x", "prompt": "1"}, 0, ""), item_of({"id": "x", "prompt": "2"}, 1, "")])


def test_there_must_be_a_job_to_look_at(tmp_path: Path) -> None:
    with pytest.raises(BatchError, match="no job"):
        jobs.Job(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()


def test_an_empty_log_and_one_of_another_kind_are_told_apart() -> None:
    assert not is_damaged(b"")
    assert not is_damaged(b"x" * 31)
    assert is_damaged(b"x" * 1000)
