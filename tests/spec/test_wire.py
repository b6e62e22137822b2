"""Wire cases: what is passed, what must arrive, what must come back; for every description and document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llm_forge import spec
from llm_forge.core.errors import ApiError
from llm_forge.core.profile import StreamRule
from llm_forge.core.stream import StreamReader
from llm_forge.spec.ir import Api
from llm_forge.spec.wire import Case, File, to_json, wire_suite
from tests.shared import ROOT, needs_shared
from tests.spec.making import load_text
from tests.spec.test_vendor_documents import OPERATIONS, unpacked

GOLDEN = sorted((ROOT / "golden").glob("*/description.yaml"))
EVERYWHERE = ("minimal", "full", "error")


def cases(api: Api) -> dict[str, Case]:
    return {one.id: one for one in wire_suite(api).cases}


def one_operation(tmp_path: Path, operation: str, more: str = "") -> dict[str, Case]:
    """The cases of a document with one operation under `/things/{id}`."""
    text = (
        "openapi: 3.1.0\ninfo: {title: T, version: '1'}\nsecurity: [{key: []}]\n"
        "components:\n  securitySchemes: {key: {type: http, scheme: bearer}}\n"
        "  schemas: {Thing: {type: object, required: [id], properties: {id: {type: string}}}"
        f"{more}}}\n"
        f"paths:\n  /things/{{id}}:\n    post:\n      operationId: things.do\n{operation}"
    )
    return cases(load_text(tmp_path, text))


ANSWER = (
    "      responses: {'200': {description: OK, content: {application/json: "
    "{schema: {$ref: '#/components/schemas/Thing'}}}}}\n"
)


def apis() -> Iterator[Any]:
    for provider in spec.providers():
        yield pytest.param(lambda _, name=provider: spec.load_description(name), id=provider)
    for path in GOLDEN:
        yield pytest.param(lambda _, path=path: spec.load(path), id=path.parent.name)
    for document in sorted(OPERATIONS):
        yield pytest.param(
            lambda folder, name=document: spec.load(unpacked(name, folder)), id=document, marks=needs_shared
        )


APIS = list(apis())


@pytest.mark.parametrize("make", APIS)
def test_every_operation_has_its_cases_under_ids_of_their_own(make: Any, tmp_path: Path) -> None:
    api = make(tmp_path)
    found = wire_suite(api).cases
    assert len({one.id for one in found}) == len(found)
    by_operation: dict[str, set[str]] = {}
    for one in found:
        by_operation.setdefault(one.operation, set()).add(one.kind)
    for operation in api.operations():
        if operation.result.kind != "stream":
            assert set(EVERYWHERE) <= by_operation[operation.name]
        if operation.stream is not None and operation.stream.family is not None:
            assert {"stream", "cut"} <= by_operation[operation.name]


@pytest.mark.parametrize("make", APIS)
def test_streams_add_up_to_what_their_case_says(make: Any, tmp_path: Path) -> None:
    api = make(tmp_path)
    streams = {one.name: one.stream for one in api.operations()}
    for case in wire_suite(api).cases:
        stream = streams[case.operation]
        if case.kind not in ("stream", "cut") or stream is None:
            continue
        rule = StreamRule(
            stream.family,
            dict,
            ndjson=stream.ndjson,
            terminal=frozenset(stream.terminal),
            type_field=stream.type_field,
        )
        reader = StreamReader(rule, reported)
        reader.feed(case.answer.body)
        if not reader.ended:
            reader.finish()
        assert len(reader.ready) == case.outcome.events
        assert reader.completion == case.outcome.completion
        assert (reader.failure is not None and reader.failure.kind) == (case.outcome.error or False)
        if case.kind == "stream":
            assert reader.accumulator.result() == case.outcome.value


def reported(data: Any) -> ApiError | None:
    """The error that an event of a case reports: none does."""
    assert data is None, data
    return None


@pytest.mark.parametrize("make", APIS)
def test_the_json_of_a_suite_is_the_same_each_time_and_complete(make: Any, tmp_path: Path) -> None:
    api = make(tmp_path)
    suite = wire_suite(api)
    text = to_json(suite)
    assert text == to_json(wire_suite(api))
    read = json.loads(text)
    assert read["version"] == 1
    assert [one["id"] for one in read["cases"]] == [one.id for one in suite.cases]
    assert all({"operation", "kind", "sent", "answer", "outcome"} <= one.keys() for one in read["cases"])


def test_parameters_are_written_in_their_styles(tmp_path: Path) -> None:
    parameters = (
        "      parameters:\n"
        "        - {name: id, in: path, required: true, schema: {type: string}}\n"
        "        - {name: many, in: query, schema: {type: array, minItems: 2, items: {type: integer}}}\n"
        "        - {name: joined, in: query, explode: false,"
        " schema: {type: array, minItems: 2, items: {type: boolean}}}\n"
        "        - {name: piped, in: query, explode: false, style: pipeDelimited,"
        " schema: {type: array, minItems: 2, items: {type: integer}}}\n"
        "        - {name: deep, in: query, style: deepObject,"
        " schema: {type: object, properties: {a: {type: number}}}}\n"
        "        - {name: flat, in: query, schema: {type: object, properties: {b: {type: integer}}}}\n"
        "        - {name: told, in: query, explode: false,"
        " schema: {type: object, properties: {c: {type: integer}, d: {type: integer}}}}\n"
        "        - {name: text, in: query, content: {application/json:"
        " {schema: {type: object, properties: {e: {type: string}}}}}}\n"
        "        - {name: X-Tags, in: header, schema: {type: array, minItems: 2, items: {type: string}}}\n"
        "        - {name: session, in: cookie, schema: {type: string}}\n"
    )
    full = one_operation(tmp_path, parameters + ANSWER)["things.do.full"]
    assert full.arguments.path == {"id": "a/b & ü?"}
    assert full.sent.path == "/things/a%2Fb%20%26%20%C3%BC%3F"
    assert full.sent.query == (
        ("many", "1"),
        ("many", "1"),
        ("joined", "true,true"),
        ("piped", "1|1"),
        ("deep[a]", "0.5"),
        ("b", "1"),
        ("told", "c,1,d,1"),
        ("text", '{"e":"a/b & ü?"}'),
    )
    assert full.sent.headers == (
        ("x-tags", "text,text"),
        ("authorization", "Bearer wire-key"),
        ("cookie", "session=text"),
    )


def test_a_minimal_call_has_what_is_required_and_a_full_one_everything(tmp_path: Path) -> None:
    body = (
        "      requestBody: {content: {application/json: {schema: {type: object, required: [a], properties: {"
        "a: {type: string, maxLength: 2}, b: {type: integer, minimum: 7}, c: {type: number, maximum: 0},"
        " d: {enum: [x, y]}, e: {anyOf: [{type: 'null'}, {type: string, format: date}]},"
        " f: {type: string, readOnly: true}, g: {$ref: '#/components/schemas/Node'}}}}}}\n"
    )
    node = (
        ", Node: {type: object, required: [name], properties: {name: {type: string},"
        " next: {$ref: '#/components/schemas/Node'},"
        " all: {type: array, items: {$ref: '#/components/schemas/Node'}}}}"
    )
    found = one_operation(tmp_path, body + ANSWER, node)
    assert found["things.do.minimal"].sent.body.json == {"a": "te"}
    assert found["things.do.full"].sent.body.json == {
        "a": "a/",
        "b": 7,
        "c": 0,
        "d": "x",
        "e": "2026-01-02",
        "g": {"name": "a/b & ü?"},
    }


def test_an_object_as_body_is_sent_even_when_it_is_empty(tmp_path: Path) -> None:
    schema = "{type: object, properties: {a: {type: string}}}"
    body = f"      requestBody: {{content: {{application/json: {{schema: {schema}}}}}}}\n"
    assert one_operation(tmp_path, body + ANSWER)["things.do.minimal"].sent.body.json == {}
    listed = "      requestBody: {content: {application/json: {schema: {type: array, items: {}}}}}\n"
    assert one_operation(tmp_path, listed + ANSWER)["things.do.minimal"].sent.body.kind == "none"


def test_a_form_has_a_part_for_each_entry_and_files_as_bytes() -> None:
    found = cases(spec.load(ROOT / "golden" / "multipart-and-binary" / "description.yaml"))
    parts = {one.name: one for one in found["files.create.full"].sent.body.parts}
    assert isinstance(found["files.create.full"].arguments.body["file"], File)
    assert parts["file"].is_file
    assert parts["images"].media_type == "image/png"
    assert parts["expires_after[anchor]"].content == "a/b & ü?".encode()
    assert parts["labels"].content == '{"key":"a/b & ü?"}'.encode()
    raw = found["files.put.minimal"].sent.body
    assert (raw.kind, raw.media_type) == ("bytes", "application/octet-stream")


@pytest.mark.parametrize(
    ("kind", "told", "expected"),
    [
        ("api-key", {"name": "X-Key"}, ("headers", ("x-key", "wire-key"))),
        ("api-key", {"placement": "query", "name": "key"}, ("query", ("key", "wire-key"))),
        ("api-key", {"placement": "cookie", "name": "sid"}, ("headers", ("cookie", "sid=wire-key"))),
        ("bearer", {}, ("headers", ("authorization", "Bearer wire-key"))),
        ("basic", {}, ("headers", ("authorization", "Basic d2lyZTprZXk="))),
    ],
)
def test_the_credential_stands_where_the_scheme_puts_it(
    kind: str, told: dict[str, str], expected: tuple[str, tuple[str, str]]
) -> None:
    api = spec.load(ROOT / "golden" / "minimal" / "description.yaml")
    changed = replace(api, auth=replace(api.auth, kind=kind, **told))  # type: ignore[arg-type]
    where, pair = expected
    assert all(pair in getattr(one.sent, where) for one in wire_suite(changed).cases)


def test_an_error_has_the_shape_that_the_description_gives_it() -> None:
    suite = wire_suite(spec.load_description("anthropic"))
    case = next(one for one in suite.cases if one.id == "messages.create.error")
    body = json.loads(case.answer.body)
    assert body["error"]["type"] == "invalid_request_error"
    assert (case.outcome.error, case.outcome.status, case.answer.status) == ("UnprocessableError", 422, 422)
