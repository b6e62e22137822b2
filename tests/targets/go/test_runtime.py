"""The Go runtime by Go's own tools: formatted, vetted, checked, and its tests under the race detector."""

from __future__ import annotations

import shutil

import pytest

from .toolchain import RUNTIME, go, needs_go, ran, staticcheck

pytestmark = [needs_go, pytest.mark.xdist_group("go")]
TAGS = ("", "conformance")


def test_it_is_formatted() -> None:
    assert ran(RUNTIME, "gofmt", "-l", ".") == ""


@pytest.mark.parametrize("tags", TAGS)
def test_it_is_vetted(tags: str) -> None:
    go(RUNTIME, "vet", "-tags", tags, "./...")


@pytest.mark.parametrize("tags", TAGS)
def test_the_strictest_checker_finds_nothing(tags: str) -> None:
    ran(RUNTIME, staticcheck(), "-checks", "all", "-tags", tags, "./...")


@pytest.mark.requirement("R-059", "R-100", "R-122", "R-125", "R-178")
def test_its_own_tests_pass() -> None:
    race = ("-race",) if shutil.which("gcc") else ()
    assert "ok" in go(RUNTIME, "test", *race, "-count=1", "./...")
