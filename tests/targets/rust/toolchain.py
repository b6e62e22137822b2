"""Rust as tests use it: cargo, with one folder for everything that is built."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.shared import ROOT

RUNTIME = ROOT / "src" / "llm_forge" / "targets" / "rust" / "runtime"
DRIVER = ROOT / "conformance" / "drivers" / "rust"
BUILD = ROOT / "build" / "cargo"
needs_rust = pytest.mark.skipif(shutil.which("cargo") is None, reason="the Rust toolchain is not installed")


def cargo(folder: Path, *arguments: str, **variables: str) -> str:
    """What a cargo command says; AssertionError with it if the command fails."""
    env = {**os.environ, "CARGO_TARGET_DIR": str(BUILD), **variables}
    command = ("cargo", *arguments)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout
