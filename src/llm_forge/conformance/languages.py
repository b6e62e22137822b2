"""Which languages take part, in which columns, and how their drivers are started."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .canon import PROXY_PASSWORD
from .driver import Driver
from .results import ConformanceError

CORE = "core"
TYPESCRIPT = "../build/typescript-driver/conformance/drivers/typescript"  # where the build puts it
_HIDDEN = ("_API_KEY", "_BASE_URL", "_PROXY")


@dataclass(frozen=True, slots=True)
class Language:
    """A language: its driver's command line for each column; corpora run in the first one's driver."""

    name: str
    columns: Mapping[str, tuple[str, ...]]


def _python(mode: str, transport: str) -> tuple[str, ...]:
    driver = "drivers/python/driver.py"
    return (sys.executable, "-X", "utf8", driver, "--mode", mode, "--transport", transport)


def _go() -> tuple[str, ...]:
    return ("go", "run", "-C", "drivers/go", "-tags", "conformance", ".")


def _typescript(transport: str) -> tuple[str, ...]:
    return ("node", "--expose-gc", f"{TYPESCRIPT}/driver.js", "--transport", transport)


def _rust() -> tuple[str, ...]:
    manifest = ("--manifest-path", "drivers/rust/Cargo.toml", "--target-dir=../build/cargo")
    return ("cargo", "run", "--quiet", "--offline", *manifest)  # its proxy leads nowhere: `make rust` fetches


LANGUAGES: Mapping[str, Language] = {
    "python": Language(
        "python",
        {
            f"{mode}/{transport}": _python(mode, transport)
            for mode in ("sync", "async")
            for transport in ("curl", "httpx2")
        },
    ),
    "go": Language("go", {"go": _go()}),
    "typescript": Language("typescript", {one: _typescript(one) for one in ("node", "fetch")}),
    "rust": Language("rust", {"rust": _rust()}),
}


def language(name: str) -> Language:
    """A language by name; ConformanceError names those that take part."""
    if name not in LANGUAGES:
        raise ConformanceError(f"no driver for {name!r}; languages: {', '.join(LANGUAGES)}")
    return LANGUAGES[name]


def start_driver(command: tuple[str, ...], root: Path) -> Driver:
    """Start a driver with an environment that holds no keys, base URLs or proxies of this machine.

    The proxy that it names is never used, as every server is on loopback: its password is one of the
    canaries that must not show (SC-01).
    """
    _check_ready(command, root)
    env = {name: value for name, value in os.environ.items() if not name.upper().endswith(_HIDDEN)}
    env |= {"HTTPS_PROXY": f"http://canary:{PROXY_PASSWORD}@127.0.0.1:9", "NO_PROXY": "127.0.0.1,localhost"}
    return Driver(command, root, env)


def _check_ready(command: tuple[str, ...], root: Path) -> None:
    """ConformanceError that says what a driver lacks on this machine."""
    if shutil.which(command[0]) is None:
        raise ConformanceError(f"this language's driver needs {command[0]}, which is not installed")
    built = [word for word in command if word.startswith("../build/")]
    if not all((root / word).is_file() for word in built):
        raise ConformanceError("this language's driver is not built: make build/typescript-driver.stamp")
