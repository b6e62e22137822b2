"""The coverage report finds what a document has and we lack, and tells a newer document from an older one."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING

import pytest

from tests.shared import SHARED, needs_shared

from .documents import Document, description, endpoints, operations, vendor_document
from .drift import drift
from .report import LISTS, MAIN, SOURCES, cover, is_listed, leaves_out, main, text
from .truths import TRUTHS, Truth

if TYPE_CHECKING:
    from pathlib import Path

GROQ = MAIN["groq"]


@pytest.fixture
def ours() -> Document:
    """Our own description of Groq, in the role of the vendor's document: nothing of it can be missing."""
    return Document("newer", deepcopy(description("groq").root))


@pytest.fixture
def truths() -> list[Truth]:
    return [
        Truth("groq", name, GROQ, path, 1, verb)
        for name, (path, verb, _) in operations(description("groq")).items()
    ]


def test_a_document_that_says_what_we_say_is_complete(ours: Document, truths: list[Truth]) -> None:
    found = cover("groq", ours, GROQ, truths)
    assert found.complete
    assert len(found.present) >= 17
    assert found.compared > 800
    assert not found.ours_only


def test_what_a_newer_document_adds_is_missing(ours: Document, truths: list[Truth]) -> None:
    ours.root["components"]["schemas"]["EmbeddingRequest"]["properties"]["mood"] = {"type": "string"}
    ours.root["paths"]["/openai/v1/files/{file_id}"]["put"] = {"responses": {}}
    ours.root["paths"]["/openai/v1/weather"] = {"get": {"responses": {}}}
    found = cover("groq", ours, GROQ, truths)
    assert found.missing == ["post /openai/v1/embeddings: request.mood"]
    assert found.missing_operations == ["put /openai/v1/files/{file_id}"]
    assert found.not_listed == ["get /openai/v1/weather"]
    assert not found.complete
    assert "missing field      post /openai/v1/embeddings: request.mood" in text(found)


def test_what_a_newer_document_drops_is_ours_only(ours: Document, truths: list[Truth]) -> None:
    del ours.root["components"]["schemas"]["EmbeddingRequest"]["properties"]["user"]
    assert cover("groq", ours, GROQ, truths).ours_only == ["post /openai/v1/embeddings: request.user"]


def test_the_drift_names_what_is_added_dropped_and_changed(ours: Document, truths: list[Truth]) -> None:
    request = ours.root["components"]["schemas"]["EmbeddingRequest"]
    request["properties"]["mood"] = {"type": "string"}
    del request["properties"]["user"]
    request["required"] = ["model", "input", "encoding_format"]
    del ours.root["paths"]["/openai/v1/files/{file_id}"]["delete"]
    ours.root["paths"]["/openai/v1/weather"] = {"get": {"responses": {}}}
    found = drift(description("groq"), ours, truths)
    assert found.added_operations == ["get /openai/v1/weather"]
    assert found.dropped_operations == ["delete /openai/v1/files/{file_id}"]
    assert found.added == ["post /openai/v1/embeddings: request.mood"]
    assert found.dropped == ["post /openai/v1/embeddings: request.user"]
    assert found.narrower == ["post /openai/v1/embeddings: request.encoding_format: required"]
    assert found.wider == []
    assert "adds             post /openai/v1/embeddings: request.mood" in found.text()


def test_a_document_has_not_drifted_from_itself(ours: Document, truths: list[Truth]) -> None:
    assert drift(description("groq"), ours, truths).text().endswith("says the same")


def test_a_newer_document_is_read_by_its_path(
    ours: Document, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base, newer = tmp_path / "base.json", tmp_path / "newer.json"
    base.write_text(json.dumps(ours.root), encoding="utf-8")
    del ours.root["x-forge"]
    ours.root["components"]["schemas"]["EmbeddingRequest"]["properties"]["mood"] = {"type": "string"}
    newer.write_text(json.dumps(ours.root), encoding="utf-8")
    code = main(["--spec", str(newer), "--base", str(base), "--provider", "groq", "--json"])
    printed = json.loads(capsys.readouterr().out)
    assert code == 1
    assert printed["coverage"][0]["document"] == "newer"
    assert "post /openai/v1/embeddings: request.mood" in printed["coverage"][0]["missing"]
    assert printed["drift"]["added"] == ["post /openai/v1/embeddings: request.mood"]


@needs_shared
@pytest.mark.parametrize("provider", MAIN)
def test_no_operation_or_field_of_a_listed_service_is_missing(provider: str) -> None:
    found = cover(provider, vendor_document(MAIN[provider]), MAIN[provider])
    assert found.complete, text(found)
    assert len(found.present) >= 17


@needs_shared
def test_every_operation_left_out_is_in_a_listed_service_and_has_a_reason() -> None:
    measured = {(one.document, one.endpoint) for one in TRUTHS}
    providers = {document: provider for provider, document in SOURCES}
    for entry in LISTS["left_out"]:
        document = entry["document"]
        names = [
            name
            for name in endpoints(vendor_document(document))
            if leaves_out(entry, document, name)
            and (document, name) not in measured
            and is_listed(providers[document], name.partition(" ")[2])
        ]
        assert names, f"leaves out nothing: {entry['operation']}"
        assert len(entry["reason"].split()) >= 4, f"says no reason: {entry['operation']}"


@needs_shared
def test_every_document_of_the_reference_data_is_measured_or_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--provider", "groq"]) == 0
    printed = capsys.readouterr().out
    files = [path.name.split(".yaml")[0].split(".json")[0] for path in (SHARED / "specs").glob("*.gz")]
    measured = {document for _, document in SOURCES}
    assert len(files) >= 8
    assert all(name in printed for name in files if name not in measured)
