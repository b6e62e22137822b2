"""`python -m tests.proof`: runs the whole-system scenarios and writes docs/proof.md from all records."""

from __future__ import annotations

import sys
from dataclasses import asdict

from tests.whole_system.figures import outage, restart, retryable_faults, vicious_faults

from .record import record
from .report import write


def main() -> int:
    """Measure, record, write."""
    record(
        "scenarios",
        {
            "SY-01": {str(attempts): asdict(retryable_faults(attempts)) for attempts in (3, 8)},
            "SY-02": [
                {"begins": begins, "window": window, **asdict(outage(begins, window))}
                for begins, window in ((0, 30.0), (200, 3.0), (200, 30.0))
            ],
            "SY-04": {name: asdict(restart(fair=name == "fair")) for name in ("fair", "the same for all")},
            "SY-07": asdict(vicious_faults()),
        },
    )
    print(write())
    return 0


if __name__ == "__main__":
    sys.exit(main())
