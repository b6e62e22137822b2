"""TypeScript as tests use it: its tools, and a folder in which many SDKs share one runtime."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from llm_forge import spec
from llm_forge.targets import Options
from llm_forge.targets.typescript import TypeScriptTarget
from tests.shared import ROOT

TOOLS = ROOT / "build" / "typescript" / "node_modules"
RUNTIME = ROOT / "src" / "llm_forge" / "targets" / "typescript" / "runtime"
_SHARED = (
    "tsconfig.base.json",
    "tsconfig.test.json",
    "eslint.config.js",
    ".prettierrc.json",
    ".prettierignore",
)
needs_typescript = pytest.mark.skipif(
    not (TOOLS / ".bin" / "tsc").exists() or shutil.which("node") is None,
    reason="the TypeScript tools are not installed: make typescript",
)


def ran(folder: Path, *command: str, **variables: str) -> str:
    """What a command says; AssertionError with it if it fails."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, **variables}
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-6000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def tool(folder: Path, name: str, *arguments: str) -> str:
    """What one of the tools says in a folder."""
    return ran(folder, str(TOOLS / ".bin" / name), *arguments)


def workspace(folder: Path, apis: Mapping[str, spec.Api]) -> Path:
    """A folder with the SDK of each API under its name; all use one copy of the runtime, read once.

    `build/` is ready for what the compiler writes.
    """
    shutil.copytree(RUNTIME / "src", folder / "runtime")
    (folder / "node_modules").symlink_to(TOOLS)
    (folder / "package.json").write_text('{ "type": "module" }\n')
    for name, api in apis.items():
        files = TypeScriptTarget().files(api, Options())
        for path, content in files.items():
            if not path.startswith("src/runtime/"):
                write(folder / "sdks" / name / path, content)
        link(folder / "sdks" / name / "src" / "runtime", folder / "runtime")
        link(folder / "build" / "sdks" / name / "src" / "runtime", folder / "build" / "runtime")
    _configure(folder)
    return folder


def write(path: Path, content: str | bytes) -> None:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def link(path: Path, target: Path) -> None:
    """A symbolic link, which the compiler follows to what it knows already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def _configure(folder: Path) -> None:
    """One program of all SDKs, with the configuration of an SDK's own."""
    for path in sorted((folder / "sdks").iterdir()):
        for name in _SHARED:
            shutil.move(path / name, folder / name)
        for other in path.glob("tsconfig*.json"):
            other.unlink()
    settings = (folder / "tsconfig.test.json").read_text()
    (folder / "tsconfig.json").write_text(
        settings.replace('["src", "tests", "examples"]', '["runtime", "sdks"]')
    )
