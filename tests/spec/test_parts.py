"""A description in several files, and what it may leave to its users."""

from __future__ import annotations

from pathlib import Path

from llm_forge import spec
from llm_forge.spec.ir import Auth, Ref

MAIN = """\
openapi: 3.2.0
info: {title: Parts, version: "1"}
servers: []
security: [{}, {key: []}]
paths:
  /speech:
    post:
      x-forge:
        method: speech.create
        stream: {parameter: format, value: sse, family: events, terminal: [done]}
      requestBody:
        content: {application/json: {schema: {$ref: "parts/types.yaml#/components/schemas/Request"}}}
      responses:
        "200":
          content:
            audio/mpeg: {schema: {}}
            text/event-stream: {itemSchema: {type: object, properties: {type: {type: string}}}}
  /speech?stream=true:
    get:
      x-forge:
        method: speech.resume
        stream: {family: response, result: "parts/types.yaml#/components/schemas/Whole"}
      responses:
        "200": {content: {text/event-stream: {itemSchema: {type: object}}}}
components:
  securitySchemes: {key: {type: http, scheme: bearer}}
"""
TYPES = """\
components:
  schemas:
    Request: {type: object, properties: {text: {type: string}}}
    Whole: {type: object, properties: {id: {type: string}}}
"""


def written(folder: Path, types: str = TYPES) -> Path:
    (folder / "parts").mkdir(exist_ok=True)
    (folder / "parts" / "types.yaml").write_text(types)
    main = folder / "main.yaml"
    main.write_text(MAIN)
    return main


def test_types_of_other_files_keep_their_names(tmp_path: Path) -> None:
    api = spec.load(written(tmp_path))
    assert {"Request", "Whole"} <= api.types.keys()
    create, resume = api.operations()
    assert create.body is not None
    assert create.body.type == Ref("Request")
    assert resume.stream is not None
    assert resume.stream.result == Ref("Whole")


def test_the_hash_of_a_description_covers_all_its_files(tmp_path: Path) -> None:
    before = spec.load(written(tmp_path)).sha256
    assert spec.load(written(tmp_path)).sha256 == before
    assert spec.load(written(tmp_path, TYPES.replace("text", "words"))).sha256 != before


def test_an_empty_requirement_makes_the_key_optional_and_no_servers_are_meant(tmp_path: Path) -> None:
    api = spec.load(written(tmp_path))
    assert (api.auth, api.servers, api.notices) == (Auth(optional=True), (), ())


def test_an_operation_may_answer_with_a_file_or_with_events(tmp_path: Path) -> None:
    create, _ = spec.load(written(tmp_path)).operations()
    assert create.result.kind == "binary"
    assert create.stream is not None
    assert (create.stream.family, create.stream.value) == ("events", "sse")
