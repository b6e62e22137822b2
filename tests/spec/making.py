"""Small documents for tests of the loader."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from llm_forge import spec
from llm_forge.spec.ir import Api, ObjectType, Type


def load_text(tmp_path: Path, text: str, name: str = "api.yaml") -> Api:
    """The API of a document given as text."""
    path = tmp_path / name
    path.write_bytes(dedent(text).encode("utf-8", "surrogatepass"))
    return spec.load(path)


def refusal(tmp_path: Path, text: str, name: str = "api.yaml") -> spec.DescriptionError:
    """The error that a document is refused with; never longer than three lines."""
    with pytest.raises(spec.DescriptionError) as caught:
        load_text(tmp_path, text, name)
    assert len(str(caught.value).splitlines()) <= 3
    return caught.value


def document(schemas: dict[str, Any], version: str = "3.1.0", **operation: Any) -> str:
    """A document as JSON text with one operation that answers with schema `Answer`."""
    answer = {"$ref": "#/components/schemas/Answer"}
    responses = {"200": {"description": "OK", "content": {"application/json": {"schema": answer}}}}
    return json.dumps(
        {
            "openapi": version,
            "info": {"title": "Test API", "version": "1"},
            "servers": [{"url": "https://api.example.com"}],
            "security": [{"bearer": []}],
            "paths": {
                "/answers": {"get": {"operationId": "answers.get", "responses": responses} | operation}
            },
            "components": {
                "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
                "schemas": schemas,
            },
        }
    )


def answer_type(tmp_path: Path, schema: Any, version: str = "3.1.0", **others: Any) -> tuple[Type, Api]:
    """The type that a schema becomes as the field `value` of an answer."""
    answer = {"type": "object", "properties": {"value": schema}}
    api = load_text(tmp_path, document({"Answer": answer, **others}, version), "api.json")
    found = api.types["Answer"].type
    assert isinstance(found, ObjectType)
    return found.properties[0].type, api
