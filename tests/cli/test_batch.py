"""`llm-forge batch` as a user meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_forge import ConfigError
from llm_forge.cli.batch import facts_of
from llm_forge.cli.main import main
from llm_forge.simulator import Simulator
from llm_forge.unified.jobs import Progress

MODEL = "openai/gpt-4o-mini"


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Simulator]:
    monkeypatch.chdir(tmp_path)
    Path("in.jsonl").write_text("".join(f'"Say item-{number}."\n' for number in range(20)), "utf-8")
    with Simulator(seed=1) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        yield running


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["batch", *arguments])
    shown = capsys.readouterr()
    return int(stopped.value.code or 0), shown.out, shown.err


def test_run_writes_the_answers_and_running_again_sends_nothing(
    simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ("run", "in.jsonl", "-m", MODEL, "--job", "job.db", "--out", "out.jsonl")
    code, out, err = run(capsys, *line)
    assert (code, err) == (0, "")
    assert out.startswith(f"{MODEL}: 20 of 20 ended (20 done)")
    first = Path("out.jsonl").read_bytes()
    assert [json.loads(line)["index"] for line in first.splitlines()] == list(range(20))
    assert list(json.loads(first.splitlines()[0])) == [
        "id",
        "index",
        "text",
        "reply",
        "usage",
        "cost",
        "attempts",
    ]
    sent = simulator.ledger.attempts()
    assert run(capsys, *line, "--json")[0] == 0
    assert run(capsys, "resume", "job.db", "--out", "out.jsonl")[0] == 0
    assert Path("out.jsonl").read_bytes() == first
    assert simulator.ledger.attempts() == sent == 20


def test_failed_items_have_an_exit_code_of_their_own_and_go_again_when_asked(
    simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    simulator.inject({"status": 400, "nth": 3})
    code, out, err = run(capsys, "run", "in.jsonl", "-m", MODEL, "--job", "job.db", "--max-tokens", "50")
    assert code == 3
    assert "19 done, 1 failed" in out
    assert err.startswith("error: 1 of 20 items have no answer")
    code, out, _ = run(capsys, "status", "job.db", "--json")
    status = json.loads(out)
    assert (code, status["counts"]["failed"], status["finished"]) == (0, 1, True)
    code, out, _ = run(capsys, "resume", "job.db", "--again", "failed", "--json")
    assert (code, json.loads(out)["counts"]["done"]) == (0, 20)
    assert simulator.ledger.attempts() == 21


def test_a_job_is_cancelled_and_exported(simulator: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    simulator.inject({"status": 401})
    code, _, err = run(capsys, "run", "in.jsonl", "-m", MODEL, "--job", "job.db")
    assert code == 1
    assert err.startswith("error: ")
    code, out, _ = run(capsys, "cancel", "job.db")
    assert (code, out) == (0, f"{MODEL}: 20 of 20 ended (20 cancelled)\ncancelled\n")
    assert run(capsys, "export", "job.db", "--out", "out.jsonl") == (0, "", "")
    lines = [json.loads(line) for line in Path("out.jsonl").read_text("utf-8").splitlines()]
    assert {line["error"]["kind"] for line in lines} == {"Cancelled"}


@pytest.mark.parametrize(
    ("arguments", "culprit"),
    [
        (("run", "none.jsonl", "-m", MODEL, "--job", "job.db"), "none.jsonl"),
        (("run", "in.jsonl", "-m", "nobody/x", "--job", "job.db"), "nobody"),
        (("status", "none.db"), "none.db"),
        (("run", "in.jsonl", "-m", MODEL, "--job", "in.jsonl"), "in.jsonl"),
        (("export", "none.db", "--out", "x.jsonl"), "none.db"),
    ],
)
@pytest.mark.usefixtures("simulator")
def test_mistakes_are_lines_with_their_culprit(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], culprit: str
) -> None:
    code, _, err = run(capsys, *arguments)
    assert code in {1, 2}
    assert err.startswith("error: ")
    assert "Traceback" not in err
    assert culprit in err


def test_the_help_loads_nothing_that_takes_time() -> None:
    code = """
import sys
from llm_forge.cli.main import main
try:
    main(["batch", "--help"])
finally:
    print(sorted({"sqlite3", "asyncio", "rich", "llm_forge.runtime"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "[]"


def test_progress_tells_what_is_known() -> None:
    assert facts_of(Progress(100, 10, 1, 0.25, 2.0, 4500.0)) == "2.0/s  1 failed  $0.2500  1:15:00 left"
    assert facts_of(Progress(None, 1, 0, None, None, None)) == "0 failed"


@pytest.mark.usefixtures("simulator")
def test_workers_of_ray_are_an_engine(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Engine:
        def __init__(self, workers: int) -> None:
            raise ConfigError(f"asked for {workers} workers")

    monkeypatch.setattr("llm_forge.integrations.ray.RayEngine", Engine)
    line = ("run", "in.jsonl", "-m", MODEL, "--job", "job.db", "--engine", "ray", "--workers", "3")
    assert run(capsys, *line) == (2, "", "error: asked for 3 workers\n")
