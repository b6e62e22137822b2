"""The published types, proven by both checkers: api.py must pass strictly, wrong copies of it must not."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
API = HERE / "api.py"
IGNORE = "# type: ignore["
SLOWEST = 240.0


def mypy(file: Path) -> list[str]:
    """What mypy objects to, line by line."""
    arguments = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--no-pretty", str(file)]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=SLOWEST, check=False)
    assert done.returncode in (0, 1), done.stderr
    return [line for line in done.stdout.splitlines() if ": error:" in line]


def pyright(file: Path) -> list[str]:
    """What pyright objects to; the test is skipped where pyright cannot run."""
    folder = file.parent
    if folder != HERE:
        shutil.copy(HERE / "pyrightconfig.json", folder)
    arguments = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    try:
        done = subprocess.run(
            [*arguments, "-p", str(folder / "pyrightconfig.json")],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=SLOWEST,
            check=False,
        )
        report = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"pyright cannot run here (it needs node and its npm package): {type(error).__name__}")
    assert report["summary"]["filesAnalyzed"] >= 1
    found = [one for one in report["generalDiagnostics"] if Path(one["file"]).name == file.name]
    return [f"{one['range']['start']['line'] + 1}: {one['message']}" for one in found]


def expected_objections() -> list[int]:
    """Numbers of the lines at which a checker must object."""
    lines = API.read_text(encoding="utf-8").splitlines()
    return [number for number, line in enumerate(lines, 1) if IGNORE in line]


def without_ignores(folder: Path) -> Path:
    """A copy of api.py whose mistakes are not excused."""
    lines = API.read_text(encoding="utf-8").splitlines()
    file = folder / "unexcused.py"
    file.write_text("".join(f"{line.partition(IGNORE)[0].rstrip()}\n" for line in lines), encoding="utf-8")
    return file


def test_mypy_accepts_the_published_types() -> None:
    assert mypy(API) == []


def test_pyright_accepts_the_published_types() -> None:
    assert pyright(API) == []


@pytest.mark.requirement("R-010")
def test_mypy_objects_to_every_mistake(tmp_path: Path) -> None:
    found = mypy(without_ignores(tmp_path))
    assert sorted({int(line.split(":")[1]) for line in found}) == expected_objections()


@pytest.mark.requirement("R-010")
def test_pyright_objects_to_every_mistake(tmp_path: Path) -> None:
    found = pyright(without_ignores(tmp_path))
    assert sorted({int(line.split(":")[0]) for line in found}) == expected_objections()


def test_there_are_mistakes_to_object_to() -> None:
    assert len(expected_objections()) >= 15
