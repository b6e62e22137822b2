"""The descriptions against what the providers were recorded to send."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shared import needs_shared

from .documents import PROVIDERS, description, description_path, parse
from .recorded import Findings, Value, recorded_answers

LEAST = {"anthropic": 10_000, "groq": 2_500, "mistral": 1_500, "openai": 7_500}


@pytest.fixture(scope="module", params=PROVIDERS)
def findings(request: pytest.FixtureRequest) -> Findings:
    name: str = request.param
    if not description_path(name).exists():
        pytest.fail(f"there is no description of {name} yet: {description_path(name)}")
    found = Findings(description(name))
    for value in recorded_answers(description(name)):
        found.hold(value)
    assert found.values >= LEAST[name], f"only {found.values} recorded values of {name} were read"
    return found


def _withdrawn(provider: str) -> set[str]:
    entries = parse(Path(__file__).with_name("withdrawn.yaml").read_text(encoding="utf-8"))
    return {entry["path"] for entry in entries if entry["provider"] == provider and entry["reason"]}


@needs_shared
def test_every_field_that_a_description_promises_was_sent(findings: Findings) -> None:
    assert {path: v for path, v in findings.missing.items() if path not in _withdrawn(findings.name)} == {}


@needs_shared
def test_every_field_that_was_sent_is_described(findings: Findings) -> None:
    assert {path: v for path, v in findings.unknown.items() if path not in _withdrawn(findings.name)} == {}


@needs_shared
def test_every_withdrawn_field_was_recorded(findings: Findings) -> None:
    assert _withdrawn(findings.name) <= findings.missing.keys() | findings.unknown.keys()


def test_a_promised_field_that_is_missing_and_an_unknown_one_are_found() -> None:
    document = description("anthropic")
    found = Findings(document)
    found.hold(Value("response", document.schema("CapabilitySupport"), {"support": True}))
    assert list(found.missing) == ["response.supported"]
    assert list(found.unknown) == ["response.support"]
