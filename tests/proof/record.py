"""What the long runs found, kept as records in docs/proof/ and shown together in docs/proof.md."""

from __future__ import annotations

import json
from typing import Any

from tests.shared import ROOT

RECORDS = ROOT / "docs" / "proof"


def record(name: str, facts: dict[str, Any]) -> None:
    """Keep the facts of a run in place of those of the last one."""
    RECORDS.mkdir(exist_ok=True)
    (RECORDS / f"{name}.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", "utf-8")


def recorded(name: str) -> dict[str, Any] | None:
    """The facts of the last recorded run, None if there is none."""
    path = RECORDS / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else None
