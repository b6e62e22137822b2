"""Workers of Ray, each case in a process of its own: `ray_run` is the program."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llm_forge import ConfigError
from llm_forge.integrations.ray import RayEngine
from llm_forge.unified import jobs
from tests.shared import ROOT

HAS_RAY = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(not HAS_RAY, reason="ray is an extra: make extras")


def found(folder: Path, what: str) -> dict[str, Any]:
    # Ray keeps a token in the home, and would listen on the machine's own address.
    environment = {**os.environ, "HOME": str(folder), "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
    command = [sys.executable, "-m", "tests.integrations.ray_run", str(folder), what]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


@needs_ray
@pytest.mark.requirement("R-181", "R-182")
def test_two_workers_give_the_output_of_the_local_engine(tmp_path: Path) -> None:
    report = found(tmp_path, "same")
    assert report.pop("attempts") > 120
    assert report == {"same": True, "processes": 2, "told": True, "progress": [60, 60]}


@needs_ray
@pytest.mark.requirement("R-184")
def test_a_worker_that_is_killed_is_launched_again_and_the_job_loses_nothing(tmp_path: Path) -> None:
    report = found(tmp_path, "kill")
    assert (report["lost"], report["told"]) == (0, 60)
    assert report["processes"] == 3
    assert report["interrupted"] <= 2, "at most what one worker had in flight"


@needs_ray
def test_an_error_that_no_item_can_overcome_is_raised_and_ends_all_workers(tmp_path: Path) -> None:
    report = found(tmp_path, "refused")
    assert (report["raised"], report["failed"], report["under way"]) == ("AuthenticationError", 0, 0)


@pytest.mark.skipif(HAS_RAY, reason="ray is installed")
def test_without_ray_the_engine_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"llm-forge\[ray\]"):
        run(tmp_path, RayEngine())


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="workers"):
        RayEngine(0)
    engine: Any = "ray"
    with pytest.raises(ConfigError, match="RayEngine"):
        run(tmp_path, engine)
    with pytest.raises(ConfigError, match="a path or a list"):
        run(tmp_path, RayEngine(), iter(["one"]))
    with pytest.raises(ConfigError, match="fail_fast"):
        run(tmp_path, RayEngine(), fail_fast=True)


def run(folder: Path, engine: Any, inputs: Any = ("one",), **options: Any) -> None:
    client = {"api_key": "any", "base_url": "http://127.0.0.1:9"}
    jobs.run(folder / "a.db", "openai/gpt-4o-mini", inputs, engine=engine, options=client, **options)
