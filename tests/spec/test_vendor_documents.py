"""Every vendor's document loads; no operation is lost."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from llm_forge import spec
from llm_forge.spec.operations import METHODS
from tests.shared import SHARED, needs_shared

# Paths, operations: counted by others and written in the reference data's own README.
OPERATIONS = {
    "openai.official.yaml": 288,
    "mistral.official.yaml": 173,
    "mistral.public-doc.yaml": 288,
    "anthropic.stainless-via-tryagi.yaml": 97,
    "groq.stainless-via-tryagi.yaml": 23,
    "openrouter.official.yaml": 97,
    "ollama.official.yaml": 12,
    "gemini.tryagi-from-discovery.json": 74,
}


def unpacked(name: str, folder: Path) -> Path:
    path = folder / name
    path.write_bytes(gzip.decompress((SHARED / "specs" / f"{name}.gz").read_bytes()))
    return path


def counted(path: Path) -> int:
    """Operations, counted by another reader than ours."""
    text = path.read_text("utf-8")
    document: Any = json.loads(text) if path.suffix == ".json" else yaml.load(text, yaml.CBaseLoader)  # noqa: S506 - only texts
    return sum(method in METHODS for item in document["paths"].values() for method in item)


@needs_shared
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_of_a_vendor_document_is_read_or_reported(name: str, tmp_path: Path) -> None:
    path = unpacked(name, tmp_path)
    started = time.process_time()
    api = spec.load(path)
    assert time.process_time() - started < 15
    found = api.operations()
    assert len({one.name for one in found}) == len(found)
    assert len(found) + len(api.skipped) == counted(path) == OPERATIONS[name]
    assert all(notice.line >= 0 and notice.message for notice in api.notices)


@needs_shared
def test_no_file_of_the_reference_data_is_left_out() -> None:
    assert {path.name.removesuffix(".gz") for path in (SHARED / "specs").glob("*.gz")} == set(OPERATIONS)
