"""The Python clients of many descriptions over one runtime, as an SDK lays them out, for type checkers.

What each SDK would carry for itself is the same core and runtime, byte for byte, so they are here once: a
checker reads them once, not thirteen times.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from llm_forge import spec
from llm_forge.targets.python.target import client_package
from llm_forge.targets.version import ROOT
from tests.shared import SHARED
from tests.spec.test_vendor_documents import OPERATIONS, unpacked

PACKAGE = "checked_sdks"
SLOWEST = 900.0
CONFIGURATION = {
    "include": [PACKAGE],
    "typeCheckingMode": "standard",
    "pythonVersion": "3.11",
    "reportMissingModuleSource": "none",  # pycurl and the like have stubs of their own
}


def sources(folder: Path) -> Iterator[tuple[str, spec.Api]]:
    """Our descriptions, and the vendors' documents where they are: a name for each, and what it says."""
    for provider in spec.providers():
        yield provider, spec.load_description(provider)
    if (SHARED / "specs").is_dir():
        for document in sorted(OPERATIONS):
            yield f"document_{document}", spec.load(unpacked(document, folder))


def lay_out(folder: Path, apis: Iterable[tuple[str, spec.Api]]) -> list[str]:
    """Write core, runtime and a client package for each API below `folder`; the packages' names."""
    package = folder / PACKAGE
    for room in ("core", "runtime"):
        for path in sorted((ROOT / room).rglob("*.py")):
            _write(package / path.relative_to(ROOT), path.read_text("utf-8"))
    _write(package / "__init__.py", "")
    _write(package / "py.typed", "")
    _write(package / "clients" / "__init__.py", "")
    names = []
    for name, api in apis:
        names.append(re.sub(r"\W", "_", name))
        for path, source in client_package(api)[1].items():
            _write(package / "clients" / names[-1] / path, source)
    return names


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def mypy_findings(folder: Path) -> list[str]:
    """What `mypy --strict` says of the package, an error a line."""
    arguments = ["--strict", "--python-version", "3.11", "--no-error-summary", "--no-pretty"]
    done = _run(folder, "mypy", *arguments, "--cache-dir", str(folder / "cache"), "-p", PACKAGE)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.splitlines()


def pyright_findings(folder: Path) -> list[str] | None:
    """What pyright says of the package, None where it cannot run (it needs its npm package)."""
    (folder / "pyrightconfig.json").write_text(json.dumps(CONFIGURATION))
    done = _run(folder, "pyright", "--outputjson", "--pythonpath", sys.executable, "-p", str(folder))
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return None
    assert report["summary"]["filesAnalyzed"] > 100
    return [f"{one['file']}: {one['message']}" for one in report["generalDiagnostics"]]


def _run(folder: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SLOWEST,
        check=False,
    )
