"""Every golden case: the same bytes as checked in, and code that imports and runs."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from llm_forge.targets import regenerate
from llm_forge.targets.registry import INCLUDED
from llm_forge.targets.version import ROOT as PACKAGE
from tests.shared import ROOT

CASES = regenerate.golden_cases()


def test_there_are_golden_cases() -> None:
    assert len(CASES) >= 6


@pytest.mark.parametrize("language", sorted(INCLUDED))
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_golden_case_is_generated_byte_for_byte(case: Path, language: str) -> None:
    folder = case / "expected" / language
    assert regenerate.differences(folder, regenerate.golden_tree(case, language)) == []


@pytest.mark.requirement("R-249")
def test_the_checked_in_clients_are_what_the_descriptions_give(capsys: pytest.CaptureFixture[str]) -> None:
    assert regenerate.main(["--check"]) == 0, capsys.readouterr().out


@pytest.fixture
def sdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package `standing` with core, runtime and room for clients, as a stand-alone SDK has them."""
    package = tmp_path / "standing"
    (package / "clients").mkdir(parents=True)
    for folder in (package, package / "clients"):
        (folder / "__init__.py").write_text("")
    for room in ("core", "runtime"):
        (package / room).symlink_to(PACKAGE / room)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield package
    for name in [name for name in sys.modules if name.split(".")[0] == "standing"]:
        del sys.modules[name]


def imported(sdk: Path, case: str) -> ModuleType:
    name = case.replace("-", "_")
    (sdk / "clients" / name).symlink_to(ROOT / "golden" / case / "expected" / "python")
    for module in ("profile", "models", "params", "client"):
        importlib.import_module(f"standing.clients.{name}.{module}")
    return importlib.import_module(f"standing.clients.{name}")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_generated_code_imports_and_its_clients_can_be_made(sdk: Path, case: Path) -> None:
    package = imported(sdk, case.name)
    assert len(package.__all__) == 2
    blocking = next(name for name in package.__all__ if not name.startswith("Async"))
    with getattr(package, blocking)(api_key="test", base_url="https://127.0.0.1") as client:
        resources = [
            name for name in dir(type(client)) if "cached_property" in repr(vars(type(client)).get(name))
        ]
        assert resources
        assert all(getattr(client, name) is getattr(client, name) for name in resources)


def test_views_of_a_generated_package_convert_what_their_types_promise(sdk: Path) -> None:
    imported(sdk, "tagged-union-recursive")
    models = importlib.import_module("standing.clients.tagged_union_recursive.models")
    drawing = models.Drawing(
        {
            "shapes": [{"kind": "group", "shapes": [{"kind": "circle", "radius": 2}]}, {"kind": "star"}],
            "by_name": {"a": {"kind": "circle"}},
            "note": [{"kind": "circle"}],
            "size": {"side": 3},
            "class": "x",
            "userName": "u",
            "user-name": "v",
            "get": "g",
        }
    )
    group, unknown = drawing.shapes
    assert type(group) is models.Group
    assert group.shapes[0].radius == 2
    assert type(unknown).__name__ == "Unknown"
    assert type(drawing.by_name["a"]) is type(drawing.note[0]) is models.Circle
    assert type(drawing.size) is models.SizeSquare
    assert (drawing.class_, drawing.user_name, drawing.user_name_2, drawing.get_) == ("x", "u", "v", "g")
    assert models.Drawing({"note": "text", "size": {}}).note == "text"
