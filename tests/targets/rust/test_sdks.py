"""Rust SDKs by Rust's own tools, and against a server that serves their wire cases."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from llm_forge import spec
from llm_forge.spec.wire import wire_suite
from llm_forge.targets import generate
from llm_forge.targets.regenerate import golden_cases
from tests.shared import needs_shared
from tests.spec.test_vendor_documents import OPERATIONS, unpacked

from .sdks import check, passed_calls, workspace
from .toolchain import cargo, needs_rust

pytestmark = [needs_rust, pytest.mark.xdist_group("rust")]
PROVIDERS = ("anthropic", "groq", "mistral", "openai")
all_of_them = pytest.mark.skipif(
    "LLM_FORGE_ALL_SDKS" not in os.environ,
    reason="compiling every vendor's document takes many minutes; make sdks does (LLM_FORGE_ALL_SDKS=1)",
)


def test_sdks_of_providers_have_no_finding_and_make_every_call(tmp_path: Path) -> None:
    apis = {name: spec.load_description(name) for name in PROVIDERS}
    folder = workspace(tmp_path, apis)
    check(folder)
    for name, api in apis.items():
        assert passed_calls(folder / name) == len(wire_suite(api).cases)


def test_golden_cases_have_no_finding_and_make_every_call(tmp_path: Path) -> None:
    apis = {case.name: spec.load(case / "description.yaml") for case in golden_cases()}
    folder = workspace(tmp_path, apis)
    check(folder)
    for name, api in apis.items():
        assert passed_calls(folder / name) == len(wire_suite(api).cases), name


def test_an_sdk_that_carries_its_runtime_stands_alone(tmp_path: Path) -> None:
    api = spec.load_description("groq")
    generate(api, "rust", tmp_path / "groq")
    cargo(tmp_path / "groq", "clippy", "--quiet", "--", "-D", "warnings", "-W", "clippy::pedantic")
    assert passed_calls(tmp_path / "groq") == len(wire_suite(api).cases)


def test_wire_tests_say_why_they_are_skipped(tmp_path: Path) -> None:
    folder = workspace(tmp_path, {"groq": spec.load_description("groq")})
    said = cargo(folder, "test", "--test", "wire", "--", "--nocapture", LLM_FORGE_WIRE_URL="")
    assert "skipped: LLM_FORGE_WIRE_URL names no server" in said


@all_of_them
@needs_shared
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_the_sdk_of_a_vendors_document_has_no_finding_and_makes_every_call(name: str, tmp_path: Path) -> None:
    api = spec.load(unpacked(name, tmp_path))
    crate = name.split(".")[0]
    folder = workspace(tmp_path / "work", {crate: api})
    check(folder)
    assert passed_calls(folder / crate) > 10
