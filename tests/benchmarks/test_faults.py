"""The comparison under faults: our clients are right, its judges can say no, and its page has every row."""

from __future__ import annotations

import subprocess
import sys

import pytest
from benchmarks.faults.catalogue import FAULTS, Seen
from benchmarks.faults.run import CLIENTS, PAGE

from tests.shared import ROOT

QUICK = ("cut-clean", "cut-in-event", "bom", "error-as-200", "broken-json", "quota", "redirect", "key-in-log")
OURS = [client.name for client in CLIENTS if client.ours]


def test_our_clients_are_right_under_a_choice_of_faults() -> None:
    command = [sys.executable, "-m", "benchmarks.faults.run", "--clients", *OURS, "--only", *QUICK]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    assert len(run.stdout.splitlines()) == len(QUICK) * len(OURS) - 1  # one API does not know `quota`


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_a_judge_refuses_a_client_that_returns_nothing_as_success(fault) -> None:
    facts = {"end": "returned", "text": "", "seconds": 13.0, "memory_mib": 900}
    facts |= {"logs_prompt": True, "shows_key": True}
    verdict, words = fault.judge(Seen(facts, requests=3, gaps=(0.1, 0.2), elsewhere=1, package="some"))
    assert verdict == "wrong", words


def test_the_page_has_every_fault_and_ours_is_right_in_each() -> None:
    rows = [line.split(" | ") for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")][1:]
    assert [row[0].removeprefix("| ") for row in rows] == [fault.title for fault in FAULTS]
    assert all(row[-2].startswith("✓") for row in rows)
