"""Tables in and out of jobs, where pyarrow is."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from llm_forge import BatchError
from llm_forge.unified import jobs
from llm_forge.unified.jobs import State
from llm_forge.unified.jobs.sources import read_items

from .test_run import failing_on
from .world import Watched, healthy, prompts, run_job

arrow = pytest.importorskip("pyarrow", reason="pyarrow is an extra: make extras")
parquet = import_module("pyarrow.parquet")
USER = [{"role": "user", "content": "hi"}]


def table(path: Path, columns: dict[str, list[Any]]) -> Path:
    parquet.write_table(arrow.table(columns), path)
    return path


@pytest.mark.parametrize(
    "columns",
    [
        {"id": ["0", "x", "7"], "prompt": ["hi", "hi", "hi"]},
        {"id": [None, "x", "7"], "prompt": ["hi", None, "hi"], "messages": [None, json.dumps(USER), ""]},
        {"id": ["0", "x", "7"], "messages": [USER, USER, USER]},
    ],
    ids=["prompts", "messages as JSON beside prompts", "messages as lists"],
)
def test_a_table_has_prompts_or_messages_and_ids_where_it_likes(
    tmp_path: Path, columns: dict[str, list[Any]]
) -> None:
    found = list(read_items(table(tmp_path / "in.parquet", columns)))
    assert [(item.index, item.id) for item in found] == [(0, "0"), (1, "x"), (2, "7")]
    assert all(json.loads(item.messages) == USER for item in found)


def test_whole_numbers_are_ids_and_a_bad_row_is_named(tmp_path: Path) -> None:
    found = read_items(table(tmp_path / "in.parquet", {"id": [5, 6], "prompt": ["a", "b"]}))
    assert [item.id for item in found] == ["5", "6"]
    bad = table(tmp_path / "bad.parquet", {"prompt": ["a", None]})
    with pytest.raises(BatchError, match=r"bad.parquet:2: give either prompt or messages"):
        list(read_items(bad))


def test_what_is_no_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "in.parquet").write_bytes(b"PAR1 but no table PAR1")
    with pytest.raises(BatchError, match=r"in.parquet: no Parquet file"):
        list(read_items(tmp_path / "in.parquet"))


def test_a_job_from_a_table_to_a_table_has_what_json_lines_have(tmp_path: Path) -> None:
    count = 2500  # more than a row group takes
    network = Watched(failing_on('item-7."', 400))
    source = table(tmp_path / "in.parquet", {"prompt": prompts(count)})
    job = run_job(tmp_path / "a.db", network, source, out=tmp_path / "out.parquet")
    job.export(tmp_path / "out.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    rows = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["index"] for row in rows] == list(range(count))
    for row, line in zip(rows, lines, strict=True):
        decoded = {
            name: json.loads(cell) if name in ("reply", "error", "usage") and cell else cell
            for name, cell in row.items()
        }
        assert {name: value for name, value in decoded.items() if value is not None} == {
            name: value for name, value in line.items() if value is not None
        }
    assert rows[7]["text"] is None
    assert json.loads(rows[7]["error"])["kind"] == "BadRequestError"
    assert job.status().counts[State.FAILED] == 1


def test_the_same_outcomes_give_the_same_table(tmp_path: Path) -> None:
    job = run_job(tmp_path / "a.db", Watched(healthy()), prompts(20), out=tmp_path / "a.parquet")
    first = (tmp_path / "a.parquet").read_bytes()
    jobs.Job(job.path).export(tmp_path / "b.parquet")
    assert (tmp_path / "b.parquet").read_bytes() == first
