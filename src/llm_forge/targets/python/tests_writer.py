"""Prints the tests of a stand-alone SDK: a smoke test, and what its wire tests need to know of it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

from ...spec.wire import to_json
from ..suite import generated_suite
from . import layout
from .attributes import by_attribute
from .calls import facts_of
from .printing import import_lines, text
from .view import Method, View

_FILES = Path(__file__).parent / "stand_alone"
# Where the wire cases call a place otherwise than the runtime does.
_PLACES = {"headers": "header", "cookies": "cookie", "whole-body": ""}


def write_tests(view: View, package: str) -> dict[str, str]:
    """The files below `tests/`."""
    return {
        "conftest.py": _conftest(view, package),
        "test_client.py": _smoke(view, package),
        "test_wire.py": (_FILES / "test_wire.py").read_text(encoding="utf-8"),
        "wire.json": to_json(generated_suite(view.api)),
    }


def _methods(view: View) -> list[tuple[str, Method]]:
    """Every method with the attribute path of its resource."""
    return [(path, method) for path, resource in by_attribute(view) for method in resource.methods]


def _conftest(view: View, package: str) -> str:
    """The fixture that leads from an operation's wire names to its method and arguments."""
    methods = _methods(view)
    unary = {one.operation.name: f"{path}.{one.name}" for path, one in methods if not one.only_streams}
    streams = {one.operation.name: f"{path}.{one.stream}" for path, one in methods if one.stream is not None}
    names = {one.operation.name: found for _, one in methods if (found := _other_names(one))}
    lines = [
        f"# {view.header}",
        '"""What the wire tests need to know of this package."""',
        "",
        "from __future__ import annotations",
        "",
        "from types import SimpleNamespace",
        "",
        "import pytest",
        "",
        f"import {package}",
        "",
        "# The methods of operations, and those that stream them.",
        *_table("METHODS", "dict[str, str]", unary),
        *_table("STREAMS", "dict[str, str]", streams),
        '# Arguments that Python calls otherwise than the wire, by place; "" is a body that is one argument.',
        *_table("NAMES", "dict[str, dict[str, str]]", names),
        "",
        "",
        '@pytest.fixture(scope="session")',
        "def sdk() -> SimpleNamespace:",
        '    """The package, its clients and their methods."""',
        "    return SimpleNamespace(",
        f"        package={package},",
        f"        client={package}.{view.client},",
        f"        async_client={package}.Async{view.client},",
        "        methods=METHODS,",
        "        streams=STREAMS,",
        "        names=NAMES,",
        "    )",
    ]
    return text(lines)


def _table(name: str, kind: str, facts: Mapping[str, object]) -> list[str]:
    return layout.lines(f"{name}: {kind} = ", facts_of(facts) or "{}")


def _other_names(method: Method) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in method.arguments:
        place, wire = _PLACES.get(one.where, one.where), ast.literal_eval(one.wire)
        if not place or one.name != wire:
            found[f"{place}.{wire}" if place else ""] = str(one.name)
    return found


def _smoke(view: View, package: str) -> str:
    """A smoke test: both clients can be made, and their resources are there."""
    resources = tuple(f'"{attribute}"' for attribute, _ in view.children)
    names = sorted([str(view.client), f"Async{view.client}"])
    lines = [
        f"# {view.header}",
        '"""The clients can be made, closed, and have the resources of the description."""',
        "",
        "from __future__ import annotations",
        "",
        "import asyncio",
        "",
        *import_lines(package, names),
        "",
        'URL = "https://127.0.0.1"',
        *layout.lines("RESOURCES = ", layout.Group("(", resources, ",)" if len(resources) == 1 else ")")),
        "",
        "",
        "def test_the_blocking_client_has_its_resources() -> None:",
        f'    with {view.client}(api_key="test", base_url=URL) as client:',
        "        assert all(hasattr(client, name) for name in RESOURCES)",
        "",
        "",
        "def test_the_asyncio_client_has_its_resources() -> None:",
        "    async def check() -> None:",
        f'        async with Async{view.client}(api_key="test", base_url=URL) as client:',
        "            assert all(hasattr(client, name) for name in RESOURCES)",
        "",
        "    asyncio.run(check())",
    ]
    return text(lines)
