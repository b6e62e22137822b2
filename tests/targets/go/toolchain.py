"""Go as tests use it: the compiler, and the checkers where they can be had."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.shared import ROOT

RUNTIME = ROOT / "src" / "llm_forge" / "targets" / "go" / "runtime"
STATICCHECK = "honnef.co/go/tools/cmd/staticcheck@v0.8.2"
TOOLS = ROOT / "build" / "go-tools"
OLDEST = (1, 22)


def lacking() -> str:
    """Why Go cannot be used here, "" if it can."""
    found_at = shutil.which("go")
    if found_at is None:
        return "the Go toolchain is not installed"
    told = subprocess.run([found_at, "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"go(\d+)\.(\d+)", told)
    # From 1.21 on Go fetches the version that a module asks for, if it may.
    if found is None or (int(found[1]), int(found[2])) < OLDEST:
        return f"the Go toolchain is older than {OLDEST[0]}.{OLDEST[1]}"
    return ""


needs_go = pytest.mark.skipif(bool(lacking()), reason=lacking() or "Go is there")


def go(folder: Path, *arguments: str, **variables: str) -> str:
    """What a go command says; AssertionError with it if the command fails."""
    return ran(folder, "go", *arguments, **variables)


def ran(folder: Path, *command: str, **variables: str) -> str:
    """What a command says; AssertionError with it if it fails."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, **variables}
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def staticcheck() -> str:
    """The path of the pinned checker, installed if need be; skips where it cannot be had."""
    found = TOOLS / "staticcheck"
    if not found.exists():
        try:
            go(ROOT, "install", STATICCHECK, GOBIN=str(TOOLS), GOFLAGS="")
        except AssertionError:
            pytest.skip("staticcheck cannot be installed here")
    return str(found)
