"""The Rust runtime by Rust's own tools: formatted, without a finding, documented, and its tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .toolchain import DRIVER, RUNTIME, cargo, needs_rust

pytestmark = [needs_rust, pytest.mark.xdist_group("rust")]


@pytest.mark.parametrize("folder", [RUNTIME, DRIVER], ids=["runtime", "driver"])
def test_it_is_formatted(folder: Path) -> None:
    cargo(folder, "fmt", "--check")


def test_the_strictest_linter_finds_nothing() -> None:
    cargo(RUNTIME, "clippy", "--quiet", "--all-features", "--", "-D", "warnings", "-W", "clippy::pedantic")


def test_the_linter_finds_nothing_in_the_driver() -> None:
    cargo(DRIVER, "clippy", "--quiet", "--", "-D", "warnings")


def test_every_public_item_is_documented() -> None:
    cargo(RUNTIME, "doc", "--quiet", "--no-deps", "--all-features", RUSTDOCFLAGS="-D warnings")


@pytest.mark.requirement("R-046", "R-057", "R-078", "R-125", "R-135", "R-178")
@pytest.mark.requirement("R-001", "R-010", "R-013", "R-024", "R-027", "R-040")
@pytest.mark.requirement("R-083", "R-221", "R-223", "R-224", "R-230", "R-243", "R-252")
@pytest.mark.requirement("R-200", "R-201", "R-203", "R-217", "R-234", "R-242")
def test_its_own_tests_pass() -> None:
    said = cargo(RUNTIME, "test", "--quiet")
    assert sum(map(int, re.findall(r"(\d+) passed", said))) >= 45


def test_files_refer_to_each_other_by_relative_paths() -> None:
    """So that the source can stand in a module of an SDK."""
    files = sorted((RUNTIME / "src").rglob("*.rs"))
    assert len(files) > 40
    assert [one.name for one in files if "crate::" in one.read_text(encoding="utf-8")] == []


def test_decisions_know_no_clock_and_no_network() -> None:
    forbidden = re.compile(r"\b(tokio|hyper|std::time|std::net|std::env|fastrand)\b")
    core = sorted((RUNTIME / "src" / "core").rglob("*.rs"))
    assert [one.name for one in core if forbidden.search(one.read_text(encoding="utf-8"))] == []
