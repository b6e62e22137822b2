"""Pagination, form encodings and answers of lines, as a description says them."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_forge.spec.ir import FieldEncoding, Operation, Pagination, Primitive, Ref
from tests.spec.making import load_text, refusal

HEAD = """
openapi: 3.2.0
info: {title: Acme API, version: "1"}
servers: [{url: "https://api.acme.com"}]
components: {schemas: {Line: {type: object, properties: {id: {type: string}}}}}
"""
LIST = """
paths:
  /things:
    get:
      x-forge: {method: things.list, pagination: %s}
      parameters: [{name: after, in: query, schema: {type: string}}]
      responses: {"200": {description: OK, content: {application/json: {schema: {type: object}}}}}
"""


def listing(tmp_path: Path, pagination: str) -> Operation:
    return load_text(tmp_path, HEAD + LIST % pagination).operation("things.list")


def test_pagination_is_read_with_its_defaults(tmp_path: Path) -> None:
    told = "{style: after-id, items: data, param: after, more: has_more}"
    found = listing(tmp_path, told)
    assert found.pagination == Pagination("after-id", "data", "after", more="has_more")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("{items: data, param: after}", "needs a style"),
        ("{style: curser, items: data}", "did you mean 'cursor'?"),
        ("{style: cursor, items: data, param: after}", "needs next"),
        ("{style: after-id, items: data, param: before}", "neither a query parameter nor a field"),
        ("{style: page, items: data, param: after, start: one}", "the number of the first page"),
        ("{style: page, items: data, parm: after}", "did you mean 'param'?"),
    ],
)
def test_pagination_that_cannot_work_is_refused(tmp_path: Path, told: str, said: str) -> None:
    assert said in str(refusal(tmp_path, HEAD + LIST % told))


def test_forms_bytes_and_lines_are_told_apart(tmp_path: Path) -> None:
    api = load_text(
        tmp_path,
        HEAD
        + """paths:
  /upload:
    post:
      x-forge: {method: files.create}
      requestBody:
        content:
          multipart/form-data:
            schema:
              type: object
              properties: {file: {contentMediaType: application/octet-stream, type: string}}
            encoding: {file: {contentType: application/jsonl}, expires: {style: deepObject}}
      responses:
        "200":
          description: OK
          content: {application/jsonl: {itemSchema: {$ref: "#/components/schemas/Line"}}}
  /raw:
    put:
      x-forge: {method: files.put}
      requestBody: {content: {application/octet-stream: {}}}
      responses: {"200": {description: OK, content: {audio/mpeg: {}}}}
""",
    )
    upload, raw = api.operation("files.create"), api.operation("files.put")
    assert upload.body is not None
    assert raw.body is not None
    assert upload.body.encodings == (
        FieldEncoding("file", "application/jsonl"),
        FieldEncoding("expires", style="deepObject"),
    )
    assert (upload.result.kind, upload.result.type) == ("lines", Ref("Line"))
    assert (raw.body.kind, raw.body.type) == ("binary", Primitive("string", "binary"))
    assert raw.result.kind == "binary"
