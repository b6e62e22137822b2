"""Processes that open, write and close job files at once, some of which are killed meanwhile; a program.

    python -m tests.unified.jobs.opening FOLDER SEED

Ends with 0 if each process did what it was to do, or was killed because it was to be.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

from llm_forge.unified.jobs.store import Store

PROCESSES = 8
FILES = 30  # that all open for the first time at the same moment
TURNS = 20  # of one file that each opens and closes as it likes
FORK: Any = multiprocessing.get_context("fork")


def together(folder: Path, number: int, at_once: Any) -> None:
    for file in range(FILES):
        at_once.wait()
        with closing(Store(folder / f"new-{file}.db", owner=str(number))) as store:
            store.put(**{f"process {number}": "was here"})


def killed(folder: Path, number: int, chance: Random) -> None:
    """Open and close one file; one time in eight die with it open, of which the parent knows nothing."""
    for turn in range(TURNS):
        store = Store(folder / "shared.db", owner=str(number))
        store.put(**{f"process {number}": f"turn {turn}"})
        if chance.random() < 0.125:
            os.kill(os.getpid(), signal.SIGKILL)
        store.close()


def ended(work: Callable[..., None], *arguments: tuple[Any, ...]) -> set[int]:
    """The exit codes of processes that do this work at once."""
    processes = [FORK.Process(target=work, args=some) for some in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return {process.exitcode for process in processes}


def main(folder: Path, seed: int) -> int:
    at_once = FORK.Barrier(PROCESSES, timeout=120)
    new = ended(together, *[(folder, number, at_once) for number in range(PROCESSES)])
    some = ended(killed, *[(folder, number, Random(seed * 100 + number)) for number in range(PROCESSES)])
    for path in folder.glob("new-*.db"):
        with closing(Store(path)) as store:
            assert all(store.get(f"process {number}") for number in range(PROCESSES)), path
    print(f"at once {sorted(new)}, killed {sorted(some)}")
    return 0 if new == {0} and some <= {0, -signal.SIGKILL} else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
