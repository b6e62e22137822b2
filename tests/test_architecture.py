"""Who may import whom, read from the imports themselves."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shared import ROOT

PACKAGE = ROOT / "src" / "llm_forge"
ROOMS: dict[str, set[str]] = {
    "core": set(),
    "spec": set(),
    "runtime": {"core"},
    "clients": {"runtime", "core"},
    "unified": {"clients", "runtime", "core"},
    "integrations": {"unified", "clients", "runtime", "core"},
    "targets": {"spec"},
    "simulator": {"spec"},
    "conformance": {"simulator", "spec"},
    "descriptions": set(),
    "cli": set(),  # may import everything
}
IMPURE = {"time", "random", "asyncio", "threading", "socket", "os", "ssl", "select", "multiprocessing"}
HTTP_LIBRARIES = {"httpx", "httpx2", "pycurl", "aiohttp", "requests", "urllib3", "http", "h11"}
HEAVY = {"pycurl", "httpx2", "typer", "rich", "yaml", "pydantic", "pydantic_core", "opentelemetry"}


def modules(room: str) -> list[Path]:
    return sorted((PACKAGE / room).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Absolute dotted names a module imports, and whether at its top level."""
    tree = ast.parse(path.read_text("utf-8"))
    top = {id(node) for node in tree.body}
    package = ("llm_forge", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(package[: len(package) - node.level + 1]) + "." if node.level else ""
            module = f"{start}{node.module or ''}".rstrip(".")
            for alias in node.names:
                yield (f"{module}.{alias.name}" if module == "llm_forge" else module, id(node) in top)


def room_of(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if parts[0] == "llm_forge" and len(parts) > 1 else None


def test_every_folder_is_a_room_of_the_plan() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(ROOMS)


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "cli"])
def test_a_room_imports_only_the_rooms_it_may(room: str) -> None:
    files = modules(room)
    assert files, f"{room} has no module to check"
    allowed = ROOMS[room] | {room}
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files
        for name, _ in imports(path)
        if room_of(name) is not None and room_of(name) not in allowed
    ]
    assert wrong == []


def test_core_knows_no_clock_no_chance_no_threads_and_no_network() -> None:
    forbidden = IMPURE | HTTP_LIBRARIES
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules("core")
        for name, _ in imports(path)
        if name.split(".")[0] in forbidden
    ]
    assert wrong == []


def test_importing_the_package_and_its_runtime_loads_nothing_heavy() -> None:
    names = "import llm_forge, llm_forge.runtime.client, llm_forge.core.stream"
    code = f"{names}, sys; print(sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_rooms_import_only_the_standard_library_and_declared_dependencies() -> None:
    declared = {
        "llm_forge",
        "msgspec",
        "pycurl",
        "certifi",
        "trustme",  # of the extra dev: the conformance suite runs in checkouts only
        "pytest",  # of the tests that generated SDKs carry
        "httpx2",
        "httpcore2",
        "h11",
        "yaml",
        "jsonpath_rfc9535",
        "typer",
        "rich",
        "pydantic_core",
        "opentelemetry",
        "langchain_core",  # of the extra langchain, with pydantic and typing_extensions, which it brings
        "pydantic",
        "typing_extensions",
    }
    known = declared | set(sys.stdlib_module_names)
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for name, _ in imports(path)
        if name.split(".")[0] not in known
    ]
    assert wrong == []
