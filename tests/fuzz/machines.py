"""Every stateful model of the tests, found by its class, driven by hypothesis with its steps counted."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any

import hypothesis
from hypothesis.stateful import RuleBasedStateMachine, get_state_machine_test, invariant

from tests.shared import ROOT

STEPS_OF_A_RUN = 60


def machines() -> list[type[RuleBasedStateMachine]]:
    """The RuleBasedStateMachine classes of all test modules; a new one joins by being written."""
    found = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if "RuleBasedStateMachine)" in path.read_text("utf-8"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found += [member for _, member in inspect.getmembers(importlib.import_module(name), _is_machine)]
    return sorted(set(found), key=lambda machine: machine.__qualname__)


def _is_machine(member: Any) -> bool:
    return (
        inspect.isclass(member)
        and issubclass(member, RuleBasedStateMachine)
        and member is not RuleBasedStateMachine
    )


def check(machine: type[RuleBasedStateMachine]) -> Callable[[int, int], int]:
    """A function of a seed and a number of steps that runs the machine; what a step asserts is raised."""

    def run(seed: int, wanted: int) -> int:
        steps = 0

        def count(_: Any) -> None:
            nonlocal steps
            steps += 1

        counted = type(machine.__name__, (machine,), {"_count_a_step": invariant()(count)})
        settings = hypothesis.settings(
            max_examples=max(wanted // STEPS_OF_A_RUN, 1),
            stateful_step_count=STEPS_OF_A_RUN,
            deadline=None,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
            print_blob=False,
        )
        hypothesis.seed(seed)(get_state_machine_test(counted, settings=settings))()
        return steps

    return run
