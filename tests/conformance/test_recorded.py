"""Recorded streams in every language: what they add up to is what the Python core makes of them (AC-14).

That its own is right is shown by tests/core/test_accumulate_recorded.py, from the events alone.
"""

from __future__ import annotations

import functools
import itertools
import shutil
from collections.abc import Iterator

import pytest

from llm_forge.conformance.corpus import Check, Table
from llm_forge.conformance.jobs import TableJob
from llm_forge.conformance.languages import LANGUAGES, start_driver
from llm_forge.conformance.results import ConformanceError
from llm_forge.conformance.runner import PATIENCE, conformance_root
from llm_forge.conformance.session import Session
from tests.core.test_accumulate_recorded import PATHS, accumulated, recorded
from tests.shared import needs_shared

STREAMS = 40  # of each provider


def tables() -> Iterator[Table]:
    """A case for each recorded stream that came to its end."""
    for provider, (_, family) in PATHS.items():
        for number, body in enumerate(recorded(provider)[:STREAMS]):
            made, error = accumulated(body, family, number)  # type: ignore[arg-type]  # one of the families
            if error is None:
                wanted = {"completion": made.ending(), "error": None, "message": made.result()}
                check = Check("accumulate", {"family": family, "text": body}, wanted, None, "as recorded")
                yield Table(f"AC-14/{provider}-{number}", "AC-14", "recorded", "core.accumulate", (check,))


@needs_shared
@pytest.mark.requirement("R-169")
@pytest.mark.parametrize(
    "language",
    [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in LANGUAGES if name != "python"],
)
def test_ac_14_recorded_streams_add_up_to_the_same_in_every_language(language: str) -> None:
    command = next(iter(LANGUAGES[language].columns.values()))
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    start = functools.partial(start_driver, command, conformance_root())
    try:
        results = list(
            Session(start, "core", itertools.count(1), PATIENCE).run([TableJob(one) for one in tables()])
        )
    except ConformanceError as error:
        pytest.skip(str(error))
    assert [(one.case, one.notes) for one in results if one.status != "passed"] == []
    assert len(results) > 100
