"""`python -m tests.proof.mutation`: mutate the core with mutmut, and record what the tests killed.

mutmut copies the project into mutants/, puts all mutants of a module beside each other and runs, for each
in a forked process, the tests that touch its function. What it finds is kept there: a second run repeats
only what changed. `--report` runs nothing and records what is there.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.shared import ROOT

from .mutants import Mutant, Outcome, outcomes
from .record import record
from .report import write

# Mutated functions call each other through mutmut's own, so that the deepest JSON needs a deeper stack.
RUN = "import sys; sys.setrecursionlimit(5_000); from mutmut.__main__ import cli; cli()"
CORE = Path("mutants") / "src" / "llm_forge" / "core"
TEXT = "XX"


def main() -> int:
    """Run, record, write; the exit code says whether mutmut itself failed."""
    done = 0
    if "--report" not in sys.argv:
        command = [sys.executable, "-c", RUN, "run", "--max-children", "1"]
        done = subprocess.run(command, cwd=ROOT, check=False).returncode
    folder = next((Path(one) for one in sys.argv[1:] if not one.startswith("-")), ROOT)
    found = outcomes(folder / CORE)
    run, alive = sum(one.run for one in found), sum(len(one.alive) for one in found)
    record(
        "mutation",
        {
            "made": sum(one.made for one in found),
            "run": run,
            "killed": run - alive,
            "modules": {one.module: {"run": one.run, "alive": len(one.alive)} for one in found},
            "reasons": dict(Counter(reason(mutant) for one in found for mutant in one.alive).most_common()),
            "survivors": {one.module: _listed(one) for one in found if one.alive},
        },
    )
    print(f"{run - alive} of {run} mutants killed: {100 * (run - alive) / max(run, 1):.1f} %")
    print(write())
    return done


def _listed(one: Outcome) -> list[list[str]]:
    return [[mutant.function, reason(mutant), mutant.change] for mutant in one.alive]


def reason(mutant: Mutant) -> str:
    """Why a mutant lives, as far as its change says."""
    put_in = "\n".join(line for line in mutant.change.splitlines() if line.startswith("+"))
    taken = "\n".join(line for line in mutant.change.splitlines() if line.startswith("-"))
    if '"' in taken and taken.lower()[1:] == put_in.lower()[1:]:
        return "letter case of a text, such as a message or a name of an encoding"
    if TEXT in put_in:
        return "wording of a text that no test compares"
    if any(word in taken for word in ("Error(", "raise ", "_refuse(", "ConfigError")):
        return "wording of an error"
    if "(" in taken and ("None" in put_in or put_in.count(",") < taken.count(",")):
        return "an argument whose default or None does the same in every tested case"
    if any(sign in taken for sign in (" <", " >", "<=", ">=")):
        return "the boundary itself, which no rule tells apart"
    return "same behaviour in every tested case"


if __name__ == "__main__":
    sys.exit(main())
