"""Rust SDKs by Rust's own tools, and against a server that serves their wire cases."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from llm_forge import spec
from llm_forge.spec.wire import wire_suite
from llm_forge.targets import generate
from llm_forge.targets.regenerate import golden_cases
from tests.shared import ROOT, needs_shared
from tests.spec.test_vendor_documents import OPERATIONS, unpacked

from .sdks import check, passed_calls, workspace
from .toolchain import cargo, needs_rust

pytestmark = [needs_rust, pytest.mark.xdist_group("rust")]
PROVIDERS = ("anthropic", "groq", "mistral", "openai")
all_of_them = pytest.mark.skipif(
    "LLM_FORGE_ALL_SDKS" not in os.environ,
    reason="compiling every vendor's document takes many minutes; make sdks does (LLM_FORGE_ALL_SDKS=1)",
)
# Nothing that came is lost: neither what the types do not know, nor whether a field was null or absent.
ROUND_TRIP = """
use serde_json::json;
use tagged_union_recursive::types::{Circle, Drawing, DrawingNote, Filter, Shape, ShapeParam, Size};

#[test]
fn what_came_is_written_as_it_came() {
    let given = json!({
        "id": "d", "new": {"a": null, "b": [1, 2.5]}, "cover": null, "user-name": "a", "userName": "b",
        "size": {"side": 2, "unit": "mm"}, "note": [{"kind": "blob"}], "filter": [["a"], "b", 7],
        "shapes": [
            {"kind": "circle", "radius": 1.5, "style": "dotted", "depth": 18_446_744_073_709_551_615_u64},
            {"kind": "group", "shapes": [], "parent": {"kind": "group", "shapes": []}},
            {"kind": "blob", "points": [[0.1, null]]},
            {"kind": "circle", "radius": "wide"},
        ],
        "by_name": {"one": {"kind": "circle", "radius": 1.0, "style": null}},
    });
    let drawing: Drawing = serde_json::from_value(given.clone()).unwrap();
    assert_eq!(drawing.cover, Some(None));
    assert_eq!(drawing.secret, None);
    assert!(matches!(drawing.size, Some(Size::Square(_))));
    assert!(matches!(drawing.note, Some(DrawingNote::ShapeList(_))));
    assert!(matches!(drawing.filter, Some(Filter::FilterList(_))));
    let shapes = drawing.shapes.as_deref().unwrap();
    assert!(matches!(shapes, [Shape::Circle(_), Shape::Group(_), Shape::Other(_), Shape::Other(_)]));
    assert_eq!(serde_json::to_value(&drawing).unwrap(), given);
}

#[test]
fn parts_of_answers_are_parts_of_requests() {
    let shape = Shape::from(Circle { radius: Some(2.0), ..Circle::default() });
    assert!(matches!(ShapeParam::from(shape), ShapeParam::Circle(circle) if circle.kind == "circle"));
    let unknown = ShapeParam::from(Shape::Other(json!({"kind": "blob"})));
    assert_eq!(serde_json::to_value(unknown).unwrap(), json!({"kind": "blob"}));
}
"""


def test_sdks_of_providers_have_no_finding_and_make_every_call(tmp_path: Path) -> None:
    apis = {name: spec.load_description(name) for name in PROVIDERS}
    folder = workspace(tmp_path, apis)
    check(folder)
    for name, api in apis.items():
        assert passed_calls(folder / name) == len(wire_suite(api).cases)


def test_golden_cases_have_no_finding_and_make_every_call(tmp_path: Path) -> None:
    apis = {case.name: spec.load(case / "description.yaml") for case in golden_cases()}
    folder = workspace(tmp_path, apis)
    trips = folder / "tagged-union-recursive" / "tests" / "round_trip.rs"
    trips.write_text(ROUND_TRIP, encoding="utf-8")
    check(folder)
    for name, api in apis.items():
        assert passed_calls(folder / name) == len(wire_suite(api).cases), name


def test_an_sdk_that_carries_its_runtime_stands_alone(tmp_path: Path) -> None:
    api = spec.load(ROOT / "golden" / "stream-families" / "description.yaml")
    generate(api, "rust", tmp_path / "sdk")
    assert passed_calls(tmp_path / "sdk") == len(wire_suite(api).cases)
    said = cargo(tmp_path / "sdk", "test", "--test", "wire", "--", "--nocapture", LLM_FORGE_WIRE_URL="")
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
