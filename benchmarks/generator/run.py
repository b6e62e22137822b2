"""Run every generator on OpenAI's document, in turn, and write docs/benchmarks-generator.md.

Run: `make bench-generator`, or `python -m benchmarks.generator.run --rounds 1 --document openapi.yaml`.
"""

from __future__ import annotations

import argparse
import gzip
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from llm_forge import spec
from llm_forge.core.version import VERSION
from llm_forge.targets import TARGETS
from llm_forge.targets.protocol import Options
from llm_forge.targets.registry import INCLUDED

from .contestants import CONTESTANTS, PYTHON_TOOLS, ROOT

PAGE = ROOT / "docs" / "benchmarks-generator.md"
DOCUMENT = ROOT.parent / "shared" / "specs" / "openai.official.yaml.gz"


@dataclass(frozen=True)
class Run:
    """One run of a generator; seconds and MiB are of the process and all it started."""

    cpu: float
    wall: float
    mebibytes: float
    files: int
    operations: int
    code: int


@dataclass(frozen=True)
class Stage:
    """CPU seconds of our own generator, inside a process that has imported it."""

    language: str
    reading: float
    writing: float


def run(name: str, document: Path, out: Path) -> Run:
    """One run in a fresh process, into a fresh folder."""
    one = CONTESTANTS[name]
    shutil.rmtree(out, ignore_errors=True)
    path = f"{PYTHON_TOOLS / 'bin'}{os.pathsep}{os.environ['PATH']}"  # where one generator looks for ruff
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            one.command(document, out),
            stdout=said,
            stderr=subprocess.STDOUT,
            cwd=out.parent,
            env={**os.environ, "PATH": path},
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    wall = time.monotonic() - began
    if process.returncode:
        print(f"! {name}: {text[-500:]}", file=sys.stderr)
    files = [path for path in out.rglob("*") if path.is_file()] if out.is_dir() else []
    return Run(
        cpu=used.ru_utime + used.ru_stime,
        wall=wall,
        mebibytes=used.ru_maxrss / 1024,
        files=len(files),
        operations=one.count(out, text) if files else 0,
        code=process.returncode,
    )


def stages(document: Path) -> Iterator[Stage]:
    """What reading the document and writing each language cost."""
    for language in INCLUDED:
        began = time.process_time()
        api = spec.load(document)
        read = time.process_time()
        TARGETS[language].files(api, Options("sdk"))
        yield Stage(language, read - began, time.process_time() - read)


def measured(names: Sequence[str], document: Path, rounds: int) -> dict[str, list[Run]]:
    """The runs by generator; they take turns, so that a slow minute of the machine hits all alike."""
    found: dict[str, list[Run]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            for name in names:
                one = run(name, document, Path(folder) / "out")
                found[name].append(one)
                print(f"{number + 1} {name:<24} {one}", flush=True)
    return found


HEAD = """# Generators

Written by `make bench-generator`; do not edit. Each generator turns OpenAI's whole document ({operations}
operations, {size:.1f} MB of YAML) into a client, in a fresh process; median of {rounds} rounds with the
range, the generators taking turns. CPU and memory are of the process and all that it starts; a generator that
calls a formatter pays for it. Wall time depends on what else the machine does. *Operations* are those found
in the output.

Measured {date}, Python {python}, {cores} cores: llm-forge {version}, {versions}.

"""


def page(runs: dict[str, list[Run]], found: Sequence[Stage], document: Path, rounds: int) -> str:
    """docs/benchmarks-generator.md."""
    head = HEAD.format(
        operations=len(spec.load(document).operations()),
        size=document.stat().st_size / 1e6,
        rounds=rounds,
        date=date.today().isoformat(),
        python=platform.python_version(),
        cores=os.cpu_count(),
        version=VERSION,
        versions=", ".join(f"{name} {one.version}" for name, one in CONTESTANTS.items() if one.version),
    )
    lines = ["| generator | language | CPU, s | wall, s | peak memory, MiB | files | operations |"]
    lines.append("|---|---|---|---|---|---|---|")
    for name, several in runs.items():
        figures = [_figure([getattr(one, what) for one in several]) for what in ("cpu", "wall", "mebibytes")]
        last = several[-1]
        outcome = str(last.operations) if last.code == 0 else f"{last.operations}, exit code {last.code}"
        lines.append(
            f"| {name} | {CONTESTANTS[name].language} | {' | '.join(figures)} | {last.files} | {outcome} |"
        )
    lines += ["", "## Parts of ours", "", "CPU seconds in one process, imports aside.", ""]
    lines += [
        "| language | reading the document | writing the SDK, tests and runtime included |",
        "|---|---|---|",
    ]
    lines += [f"| {one.language} | {one.reading:.2f} | {one.writing:.2f} |" for one in found]
    return head + "\n".join(lines) + "\n"


def _figure(values: Sequence[float]) -> str:
    digits = 1 if max(values) < 100 else 0
    low, high = min(values), max(values)
    return f"{statistics.median(values):,.{digits}f} ({low:,.{digits}f}-{high:,.{digits}f})"


def main() -> None:
    """Print every figure as it comes; with --write, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--document", type=Path, default=DOCUMENT, help="an OpenAPI document, or one gzipped")
    parser.add_argument("--generators", nargs="*", default=list(CONTESTANTS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks-generator.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        document = options.document
        if document.suffix == ".gz":
            document = Path(folder) / document.stem
            document.write_bytes(gzip.decompress(options.document.read_bytes()))
        runs = measured(options.generators, document, options.rounds)
        text = page(runs, list(stages(document)), document, options.rounds)
    print(text)
    if options.write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
