from __future__ import annotations

from collections.abc import Iterator

import pytest

from llm_forge.simulator import Simulator


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(seed=3) as running:
        yield running
