"""Every operation of the Python SDKs sends what its description says, and reads what it says comes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llm_forge import spec
from tests.shared import ROOT, needs_shared
from tests.spec.test_vendor_documents import OPERATIONS, unpacked
from tests.targets.sdks import generated, passed_tests

SMOKE = 2
METHODS = """
openapi: 3.2.0
info: {title: Methods, version: "1"}
servers: [{url: "https://api.example.com"}]
paths:
  /items:
    trace: {operationId: items.look, responses: {"204": {description: Done}}}
    query:
      operationId: items.search
      requestBody:
        required: true
        content: {application/json: {schema: {type: object, required: [q], properties: {q: {type: string}}}}}
      responses:
        "200": {description: OK, content: {application/json: {schema: {type: array, items: {type: string}}}}}
    additionalOperations:
      PURGE: {operationId: items.purge, responses: {"204": {description: Gone}}}
"""
SOURCES = [*spec.providers(), *(path.parent.name for path in sorted(ROOT.glob("golden/*/description.yaml")))]


def source(name: str) -> spec.Api:
    if name in spec.providers():
        return spec.load_description(name)
    return spec.load(ROOT / "golden" / name / "description.yaml")


@pytest.mark.parametrize("name", SOURCES)
def test_an_sdk_passes_its_own_wire_tests(name: str, tmp_path: Path) -> None:
    check(source(name), tmp_path / "sdk")


@needs_shared
@pytest.mark.parametrize("document", sorted(OPERATIONS))
def test_the_sdk_of_a_vendors_document_passes_its_own_wire_tests(document: str, tmp_path: Path) -> None:
    check(spec.load(unpacked(document, tmp_path)), tmp_path / "sdk")


def test_query_and_methods_of_an_apis_own_are_sent_and_trace_is_not(tmp_path: Path) -> None:
    (tmp_path / "methods.yaml").write_text(METHODS)
    api = spec.load(tmp_path / "methods.yaml")
    made = generated(api, tmp_path / "sdk")
    assert [notice.message for notice in made.left_out] == [
        "items.look (TRACE /items) is not generated: method TRACE is not sent"
    ]
    assert passed_tests(tmp_path / "sdk") == 2 * 6 + SMOKE


def check(api: spec.Api, folder: Path) -> None:
    """Nothing that is read is left out, and every case passes twice: blocking and awaited."""
    assert len(generated(api, folder).left_out) == len(api.skipped)
    cases = json.loads((folder / "tests" / "wire.json").read_text())["cases"]
    assert {one["operation"] for one in cases} == {one.name for one in api.operations()}
    assert passed_tests(folder) == 2 * len(cases) + SMOKE
