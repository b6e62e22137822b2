from __future__ import annotations

from collections.abc import Iterator

import pytest

from llm_forge.simulator import Simulator


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """A simulator that the environment leads to, as users' environments lead to providers."""
    with Simulator(seed=3) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        yield running
