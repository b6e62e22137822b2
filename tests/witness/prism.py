"""Prism (@stoplight/prism-cli), started on a vendor's document: it refuses what the document forbids."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.descriptions.documents import Document
from tests.shared import ROOT, SHARED

PROGRAM = ROOT / "build" / "prism" / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"
END_SECONDS = 30


def absent() -> str | None:
    """Why Prism cannot be asked here; None if it can."""
    if not SHARED.is_dir():
        return "the reference data (../shared) is not beside this checkout"
    if shutil.which("node") is None:
        return "node is not installed"
    if not PROGRAM.is_file():
        return "Prism is not installed: make prism"
    return None


@contextmanager
def served(document: Document, folder: Path) -> Iterator[str]:
    """The URL of a Prism that answers by the document; it ends with the context."""
    file, log = folder / f"{document.name}.json", folder / f"{document.name}.log"
    file.write_text(json.dumps(document.root), encoding="utf-8")
    port = _free_port()
    command = [str(shutil.which("node")), str(PROGRAM), "mock", "--host", "127.0.0.1", "--port", str(port)]
    with (
        log.open("w", encoding="utf-8") as out,
        subprocess.Popen([*command, str(file)], stdout=out, stderr=out) as process,
    ):
        try:
            _wait_until_it_listens(process, port, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=END_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return once it takes connections; RuntimeError with what it said if it ended instead."""
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            _pause(process)
        else:
            return
    raise RuntimeError(f"Prism ended without listening:\n{log.read_text(encoding='utf-8')}")


def _pause(process: subprocess.Popen[bytes]) -> None:
    """Wait a moment, or shorter if the process ends."""
    try:
        process.wait(timeout=0.1)
    except subprocess.TimeoutExpired:
        return
