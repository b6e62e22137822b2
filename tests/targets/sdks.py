"""Stand-alone SDKs in folders of their own, and their tests run against served wire cases."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from llm_forge import spec
from llm_forge.simulator import Simulator
from llm_forge.targets import Generated, generate

PACKAGE = "the_sdk"
# Plugins of this project's environment that an SDK's users need not have.
_PLUGINS = ("asyncio", "benchmark", "cacheprovider", "codspeed", "langsmith_plugin", "recording", "socket")
_SUMMARY = re.compile(r"(\d+) passed")


def generated(api: spec.Api, folder: Path) -> Generated:
    """The Python SDK of an API, written to a folder."""
    return generate(api, "python", folder, PACKAGE)


def passed_tests(folder: Path) -> int:
    """Run an SDK's own tests against its wire cases; how many passed, if none failed."""
    with Simulator(wire=[folder / "tests" / "wire.json"]) as simulator:
        environment = {**os.environ, "PYTHONPATH": str(folder), **simulator.environment()}
        plugins = [part for name in _PLUGINS for part in ("-p", f"no:{name}")]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "--tb=short", *plugins, "tests"],
            cwd=folder,
            env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert "skipped" not in done.stdout.splitlines()[-1]
    summary = _SUMMARY.search(done.stdout)
    return int(summary[1]) if summary else 0
