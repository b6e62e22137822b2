"""Run every cell several times, interleaved, and write docs/benchmarks.md.

Run: `make bench`, or `python -m benchmarks.speed.run --cells unary --clients openai --rounds 1`.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from .contestants import CONTESTANTS, Contestant
from .parts import PARTS
from .server import serving

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"
LITELLM = ROOT / ".venv" / "litellm" / "bin" / "python"  # its pins do not go with the vendors' packages


@dataclass(frozen=True)
class Column:
    """One cell in the table: its title, unit, server path, and what a client needs to have for it."""

    cell: str
    title: str
    path: str
    needs: str


COLUMNS = (
    Column("import", "import, ms", "", "load"),
    Column("ready", "import and ready client, ms", "burst", "load"),
    Column("unary", "sync request, µs", "burst", "ask"),
    Column("unary_async", "async request, 64 at once, µs", "burst", "ask_async"),
    Column("burst", "sync burst event, µs", "burst", "stream"),
    Column("burst_async", "async burst event, µs", "burst", "stream_async"),
    Column("paced", "async paced event, µs", "paced", "stream_async"),
    Column("memory", "open stream, KiB", "open", "open_async"),
)


def interpreter(one: Contestant) -> Path:
    """The Python that has the package."""
    return LITELLM if one.package == "litellm" else Path(sys.executable)


def measure(column: Column, name: str, base: str) -> float | None:
    """One figure, from a fresh process; None where the client has no such thing, or fails."""
    one = CONTESTANTS[name]
    if getattr(one, column.needs) is None:
        return None
    python = interpreter(one)
    if column.cell == "import":
        return _import_ms(python, one.package)
    command = [python, "-m", "benchmarks.speed.cells", column.cell, name, f"{base}/{column.path}/v1"]
    run = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment()
    )
    try:
        return float(run.communicate(timeout=120)[0].split()[-1])
    except (IndexError, ValueError, subprocess.TimeoutExpired):
        run.kill()
        print(f"! {name} {column.cell}: {run.communicate()[1].strip()[-300:]}", file=sys.stderr)
        return None


def _environment() -> dict[str, str]:
    """Without proxies, and without litellm asking the network for prices when it is imported."""
    kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return {**kept, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


def _import_ms(python: Path, package: str) -> float:
    """CPU of a fresh interpreter that imports the package, less that of one that does not."""
    name = {"mistralai": "mistralai.client"}.get(package, package)
    code = "{}; import time; print(time.process_time() * 1e3)"
    bare, loaded = (
        float(
            subprocess.check_output([python, "-W", "ignore", "-c", code.format(what)], text=True).split()[-1]
        )
        for what in ("pass", f"import {name}")
    )
    return loaded - bare


@dataclass(frozen=True)
class Figure:
    """The runs of one cell."""

    runs: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.runs)

    def __str__(self) -> str:
        digits = 1 if self.median < 100 else 0
        return f"{self.median:,.{digits}f} ({min(self.runs):,.{digits}f}-{max(self.runs):,.{digits}f})"


Table = dict[tuple[str, str], Figure]


def run_all(columns: Sequence[Column], names: Sequence[str], rounds: int) -> Table:
    """Every cell, round by round, so that a slow minute of the machine hits all clients alike."""
    runs: dict[tuple[str, str], list[float]] = {}
    with serving() as base:
        for number in range(rounds):
            for column in columns:
                for name in names:
                    figure = measure(column, name, base)
                    if figure is not None:
                        runs.setdefault((name, column.cell), []).append(figure)
                        print(f"{number + 1} {column.cell:<12} {name:<20} {figure:>10,.1f}", flush=True)
    return {key: Figure(tuple(values)) for key, values in runs.items()}


# -- the page ---------------------------------------------------------------------------------------------

HEAD = """# Benchmarks

Written by `make bench`; do not edit. CPU time of the client's own process, threads included, against a server
in another process; median of {rounds} rounds with the range, each figure from a fresh process, the clients
taking turns. Only ratios within this run mean anything. *Burst* events arrive together, as from a proxy;
*paced* ones alone, as tokens do. `floor` is sockets and msgspec with nothing around them: no error, limit or
time-out is looked at. Our clients run with everything on: retries, budget, breaker, limiter, deadlines, typed
events and the accumulator.

Measured {date}, Python {python}, {cores} cores: {versions}.

"""


def page(table: Table, columns: Sequence[Column], names: Sequence[str], rounds: int, parts: str) -> str:
    """docs/benchmarks.md."""
    head = HEAD.format(
        rounds=rounds,
        date=date.today().isoformat(),
        python=platform.python_version(),
        cores=os.cpu_count(),
        versions=", ".join(_versions(names)),
    )
    lines = ["| client | " + " | ".join(column.title for column in columns) + " |"]
    lines.append("|---" * (len(columns) + 1) + "|")
    for name in names:
        cells = [str(table.get((name, column.cell), "-")) for column in columns]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += [
        "",
        "## Ratios",
        "",
        "How many times as much as ours the others take, by the medians above.",
        "",
    ]
    lines += list(_ratios(table, columns, names))
    return head + "\n".join(lines) + "\n\n" + parts


def _ratios(table: Table, columns: Sequence[Column], names: Sequence[str]) -> Iterator[str]:
    yield "| | " + " | ".join(column.title.rpartition(",")[0] for column in columns) + " |"
    yield "|---" * (len(columns) + 1) + "|"
    for name in names:
        ours = "llm_forge.Anthropic" if CONTESTANTS[name].family == "blocks" else "llm_forge.OpenAI"
        if name.startswith("llm_forge") or name == "floor":
            continue
        cells = []
        for column in columns:
            theirs, mine = table.get((name, column.cell)), table.get((ours, column.cell))
            cells.append(f"{theirs.median / mine.median:.1f}" if theirs and mine else "-")
        yield f"| {name} / {ours} | {' | '.join(cells)} |"


def _versions(names: Sequence[str]) -> Iterator[str]:
    code = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"
    for package in dict.fromkeys(CONTESTANTS[name].package for name in names):
        one = next(one for one in CONTESTANTS.values() if one.package == package)
        argument = package.replace("_", "-")
        out = subprocess.check_output([interpreter(one), "-c", code, argument], text=True)
        yield f"{package} {out.strip()}"


def main() -> None:
    """Print every figure as it comes; with --write, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", nargs="*", default=[column.cell for column in COLUMNS])
    parser.add_argument("--clients", nargs="*", default=list(CONTESTANTS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args()
    compileall.compile_dir(ROOT / "src", quiet=1)  # as pip does for the others when it installs them
    columns = [column for column in COLUMNS if column.cell in options.cells]
    names = [name for name in options.clients if interpreter(CONTESTANTS[name]).exists()]
    table = run_all(columns, names, options.rounds)
    if options.write:
        PAGE.write_text(page(table, columns, names, options.rounds, parts()), "utf-8")


def parts() -> str:
    """The section about single parts, each measured in its own process."""
    lines = ["## Parts", "", "| part | µs |", "|---|---|"]
    for name, what in PARTS.items():
        out = subprocess.check_output(
            [sys.executable, "-m", "benchmarks.speed.parts", name], cwd=ROOT, text=True, env=_environment()
        )
        lines.append(f"| {what.title} | {json.loads(out):.3g} |")
        print(lines[-1], flush=True)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
