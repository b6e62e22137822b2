"""A job keeps its declared limits and uses them; `make pace` measures more items."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from .pace import REQUESTS, TOKENS, measure


@pytest.mark.requirement("R-105", "R-108")
@pytest.mark.parametrize(("unit", "limits"), [("requests", REQUESTS), ("tokens", TOKENS)])
def test_a_job_uses_its_limits_and_never_exceeds_them(
    tmp_path: Path, unit: str, limits: Mapping[str, float]
) -> None:
    found = measure(tmp_path, 800, limits, unit)
    assert found.done == 800
    assert found.violations == 0
    assert found.used >= 0.95
