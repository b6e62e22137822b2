"""Every field, value and union member that a vendor documents is in our description."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from tests.shared import needs_shared

from .coverage import Comparison
from .documents import Document, description, description_path
from .truths import SECOND_SOURCES, TRUTHS, Truth, concerns, exceptions, excuses, measure, not_excused

if TYPE_CHECKING:
    from collections.abc import Callable


def _written(truth: Truth) -> Truth:
    if not description_path(truth.provider).exists():
        pytest.fail(f"there is no description of {truth.provider} yet: {description_path(truth.provider)}")
    return truth


def _report(truth: Truth, gaps: list[str], what: str = "missing") -> str:
    lines = "\n".join(f"  {gap}" for gap in gaps)
    return f"{truth.name}: {len(gaps)} {what}\n{lines}"


@needs_shared
@pytest.mark.parametrize("truth", TRUTHS, ids=lambda truth: truth.name)
def test_the_description_lacks_nothing_that_the_vendor_documents(truth: Truth) -> None:
    found = measure(_written(truth))
    gaps = not_excused(truth, found.gaps)
    assert not gaps, _report(truth, gaps)
    assert found.compared >= truth.floor, f"{truth.name}: only {found.compared} comparisons were made"


@needs_shared
@pytest.mark.parametrize("truth", TRUTHS, ids=lambda truth: truth.name)
def test_the_description_is_nowhere_stricter_than_the_vendor(truth: Truth) -> None:
    found = measure(_written(truth))
    narrow = not_excused(truth, found.stricter)
    assert not narrow, _report(truth, narrow, "stricter")


@needs_shared
def test_every_exception_excuses_a_gap_that_exists_and_says_why() -> None:
    for entry in exceptions():
        truths = [truth for truth in TRUTHS if concerns(entry, truth)]
        assert truths, f"no operation is measured against {entry['document']} {entry['path']}"
        found = [measure(_written(truth)) for truth in truths]
        gaps = [gap for comparison in found for gap in comparison.gaps + comparison.stricter]
        covered = [gap for gap in gaps if excuses(entry, gap)]
        assert covered, f"excuses nothing: {entry['gap']}"
        assert len(entry["reason"].split()) >= 4, f"says no reason: {entry['gap']}"


@needs_shared
@pytest.mark.parametrize("truth", SECOND_SOURCES, ids=lambda truth: truth.name)
def test_a_second_source_is_compared_and_reported(
    truth: Truth, record_property: Callable[[str, object], None]
) -> None:
    found = measure(_written(truth))
    record_property("missing", found.gaps)
    print(_report(truth, found.gaps))
    assert found.compared >= truth.floor


@needs_shared
@pytest.mark.parametrize(
    ("place", "gap"),
    [
        (("ImageBlockParam", "properties", "source"), "request.messages[].content[]<image>.source"),
        (("StopReason", "enum", 0), "response.stop_reason = end_turn"),
        (("Tool", "oneOf", 2), "request.tools[]<bash_20250124>"),
        (("ContentBlockDelta", "oneOf", 3), "event<content_block_delta>.delta<thinking_delta>"),
        (("ErrorType", "enum", 0), "error.error<invalid_request_error>"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_what_is_taken_out_of_a_description_is_missed(place: tuple[str, str, Any], gap: str) -> None:
    root = deepcopy(description("anthropic").root)
    schema, keyword, key = place
    del root["components"]["schemas"][schema][keyword][key]
    assert gap in measure(TRUTHS[0], Document("anthropic", root)).gaps


def _document(**schemas: object) -> Document:
    return Document("inline", {"components": {"schemas": schemas}})


def _gaps(vendor: Document, ours: Document) -> list[str]:
    found = Comparison(vendor, ours)
    found.schemas("request", [vendor.schema("Root")], [ours.schema("Root")])
    return found.gaps


TEXT = {"type": "object", "properties": {"type": {"const": "text"}, "text": {"type": "string"}}}
IMAGE = {"type": "object", "properties": {"type": {"enum": ["image"]}, "source": {"type": "string"}}}
OTHER_TEXT = {"type": "object", "properties": {"type": {"const": "text"}, "source": {"type": "string"}}}


@pytest.mark.parametrize(
    ("vendor", "ours", "gaps"),
    [
        pytest.param(TEXT, {"properties": {"type": {"const": "text"}}}, ["request.text"], id="a field"),
        pytest.param({"enum": ["a", "b"]}, {"enum": ["a"]}, ["request = b"], id="an enum value"),
        pytest.param({"anyOf": [TEXT, IMAGE]}, TEXT, ["request<image>"], id="a union member"),
        pytest.param(
            {"oneOf": [TEXT, IMAGE]},
            {"oneOf": [OTHER_TEXT, IMAGE]},
            ["request<text>.text"],
            id="a field that only another union member has",
        ),
        pytest.param(
            {"allOf": [TEXT, {"properties": {"extra": {}}}]},
            TEXT,
            ["request.extra"],
            id="a field behind allOf",
        ),
        pytest.param(
            {"items": TEXT},
            {"items": {"properties": {"type": {}}}},
            ["request[].text", "request[].type = text"],
            id="a field of a list's items",
        ),
        pytest.param(
            {"additionalProperties": TEXT},
            {"additionalProperties": {"properties": {"type": {"const": "text"}}}},
            ["request{}.text"],
            id="a field of a map's values",
        ),
    ],
)
def test_the_comparison_finds(vendor: object, ours: object, gaps: list[str]) -> None:
    assert sorted(_gaps(_document(Root=vendor), _document(Root=ours))) == gaps


def test_the_comparison_ends_on_schemas_that_contain_themselves() -> None:
    reference = {"$ref": "#/components/schemas/Root"}
    vendor = _document(Root={"properties": {"child": reference, "name": {}}})
    ours = _document(Root={"properties": {"child": {"properties": {"child": reference}}, "name": {}}})
    assert _gaps(vendor, ours) == ["request.child.name"]
