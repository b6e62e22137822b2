"""Names and modules that are imported on first use."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator

import pytest

from llm_forge.core.lazy import LateModule, lazy_names


@pytest.fixture
def package() -> Iterator[types.ModuleType]:
    """A package `lazily` with the module `home`, which counts how often its names are looked up."""
    made = types.ModuleType("lazily")
    made.__path__ = []
    home = types.ModuleType("lazily.home")
    home.asked = []

    def find(name: str) -> str:
        home.asked.append(name)
        if name in ("one", "two"):
            return name.upper()
        raise AttributeError(name)

    home.__getattr__ = find
    sys.modules |= {"lazily": made, "lazily.home": home}
    yield made
    del sys.modules["lazily"], sys.modules["lazily.home"]


def asked() -> list[str]:
    return sys.modules["lazily.home"].asked


def test_a_name_is_found_in_its_module_and_kept_by_the_package(package: types.ModuleType) -> None:
    find, _ = lazy_names("lazily", {"home": ("two", "one")})
    assert find("one") == "ONE"
    assert vars(package)["one"] == "ONE"
    assert "two" not in vars(package)


def test_a_package_lists_its_names_sorted(package: types.ModuleType) -> None:
    find, names = lazy_names("lazily", {"home": ("two", "one")})
    assert names() == ["one", "two"]
    assert find("__all__") == ["one", "two"]
    assert asked() == []


def test_a_name_that_no_module_has_is_an_attribute_error_that_names_it(package: types.ModuleType) -> None:
    find, _ = lazy_names("lazily", {"home": ("one",)})
    with pytest.raises(AttributeError, match="module 'lazily' has no attribute 'three'"):
        find("three")
    assert asked() == []


def test_a_late_module_is_looked_up_once_for_each_name(package: types.ModuleType) -> None:
    late = LateModule(".home", "lazily")
    assert asked() == []
    assert [late.one, late.one, late.two] == ["ONE", "ONE", "TWO"]
    assert asked() == ["one", "two"]
    assert LateModule("lazily.home").one == "ONE"
