"""What a document does not say: how streams end, keys and error shapes; and that each guess is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_forge import spec
from llm_forge.spec.ir import AnyType, Api, Operation, Ref
from tests.shared import needs_shared
from tests.spec.making import load_text
from tests.spec.test_vendor_documents import unpacked

HEAD = """
openapi: 3.2.0
info: {title: Acme API, version: "1"}
servers: [{url: "https://example.com"}]
security: [{key: []}]
"""
FLAG = "requestBody: {content: {application/json: {schema: {properties: {stream: {type: boolean}}}}}}"


def loaded(tmp_path: Path, operation: str, schemas: str = "{}") -> tuple[Operation, Api]:
    """The only operation of a document, and its API."""
    components = (
        f"components: {{securitySchemes: {{key: {{type: http, scheme: bearer}}}}, schemas: {schemas}}}\n"
    )
    api = load_text(tmp_path, f"{HEAD}{components}paths:\n  /talk:\n    post: {{{operation}}}\n")
    (found,) = api.operations()
    return found, api


def guesses(api: Api) -> str:
    return " ".join(notice.message for notice in api.notices if notice.kind == "guess")


def events(*tags: str, field: str = "type") -> str:
    members = ", ".join(f"{{type: object, properties: {{{field}: {{const: {tag}}}}}}}" for tag in tags)
    return f"responses: {{'200': {{content: {{text/event-stream: {{itemSchema: {{oneOf: [{members}]}}}}}}}}}}"


@pytest.mark.parametrize(
    ("tags", "terminal"),
    [
        (("audio.delta", "audio.done"), ("audio.done",)),
        (("image.partial", "image_generation.completed"), ("image_generation.completed",)),
        (("start", "delta", "messageEnd", "stop"), ("stop",)),
        (("part.delta", "part.done", "run.done"), ()),
        (("progress", "log"), ()),
    ],
)
def test_only_the_one_tag_that_says_an_end_ends_typed_events(
    tmp_path: Path, tags: tuple[str, ...], terminal: tuple[str, ...]
) -> None:
    operation, api = loaded(tmp_path, events(*tags))
    assert operation.stream is not None
    assert (operation.stream.family, operation.stream.terminal) == ("events", terminal)
    assert "stream" in operation.guessed
    assert ("nothing says which event ends" in guesses(api)) == (not terminal)


def test_the_tags_of_a_discriminator_count_like_constants(tmp_path: Path) -> None:
    schemas = """{
      A: {type: object, properties: {kind: {type: string}}},
      B: {type: object, properties: {kind: {type: string}}},
      E: {oneOf: [{$ref: '#/components/schemas/A'}, {$ref: '#/components/schemas/B'}],
          discriminator: {propertyName: kind, mapping: {a.delta: '#/components/schemas/A', a.done: B}}}}"""
    answer = (
        "responses: {'200': {content: {text/event-stream: {itemSchema: {$ref: '#/components/schemas/E'}}}}}"
    )
    operation, _ = loaded(tmp_path, answer, schemas)
    assert operation.stream is not None
    assert (operation.stream.terminal, operation.stream.type_field) == (("a.done",), "kind")


def test_lines_with_a_flag_done_beside_json_are_the_streamed_form(tmp_path: Path) -> None:
    item = "{type: object, properties: {text: {type: string}, done: {type: boolean}}}"
    answer = f"""{FLAG}, responses: {{'200': {{content: {{application/json: {{schema: {{type: object}}}},
      application/x-ndjson: {{itemSchema: {item}}}}}}}}}"""
    operation, _ = loaded(tmp_path, answer)
    assert operation.result.kind == "json-or-stream"
    assert operation.stream is not None
    assert (operation.stream.parameter, operation.stream.ndjson) == ("stream", True)
    assert (operation.stream.terminal, operation.stream.type_field) == (("true",), "done")


def test_lines_beside_json_that_no_field_asks_for_are_no_stream(tmp_path: Path) -> None:
    content = "{application/json: {schema: {type: object}}, application/jsonl: {itemSchema: {type: object}}}"
    operation, _ = loaded(tmp_path, f"responses: {{'200': {{content: {content}}}}}")
    assert operation.result.kind == "json"
    assert operation.stream is None


def test_a_field_stream_format_asks_for_a_stream_beside_bytes(tmp_path: Path) -> None:
    body = "{application/json: {schema: {properties: {stream_format: {enum: [audio, sse]}}}}}"
    answer = "{audio/mpeg: {}, text/event-stream: {itemSchema: {type: object}}}"
    operation, _ = loaded(
        tmp_path, f"requestBody: {{content: {body}}}, responses: {{'200': {{content: {answer}}}}}"
    )
    assert operation.stream is not None
    assert (operation.stream.parameter, operation.stream.value) == ("stream_format", "sse")


def test_a_stream_that_may_only_be_false_is_none(tmp_path: Path) -> None:
    body = FLAG.replace("{type: boolean}", "{const: false}")
    answer = "responses: {'200': {content: {application/json: {schema: {type: object}}}}}"
    assert loaded(tmp_path, f"{body}, {answer}")[0].stream is None


def test_a_whole_answer_shows_the_family_and_the_document_has_the_events(tmp_path: Path) -> None:
    whole = "{type: object, properties: {content: {}, stop_reason: {}, role: {}, usage: {}}}"
    kinds = ("message_start", "content_block_delta", "message_stop")
    union = ", ".join(f"{{properties: {{type: {{const: {kind}}}}}}}" for kind in kinds)
    answer = f"{FLAG}, responses: {{'200': {{content: {{application/json: {{schema: {whole}}}}}}}}}"
    operation, api = loaded(tmp_path, answer, f"{{MessageStreamEvent: {{oneOf: [{union}]}}, Other: {{}}}}")
    assert operation.stream is not None
    assert operation.stream.family == "block-event"
    assert operation.stream.event == Ref("MessageStreamEvent")
    assert "taken for block-event because of its whole answer" in guesses(api)
    assert "Other" not in api.types


def test_completions_of_old_stream_what_they_answer(tmp_path: Path) -> None:
    schemas = (
        "{Completion: {properties: {choices: {type: array, items: {properties: {text: {type: string}}}}}}}"
    )
    schema = "{$ref: '#/components/schemas/Completion'}"
    answer = f"responses: {{'200': {{content: {{application/json: {{schema: {schema}}}}}}}}}"
    operation, _ = loaded(tmp_path, f"{FLAG}, {answer}", schemas)
    assert operation.stream is not None
    assert (operation.stream.family, operation.stream.event) == ("chat-completion", Ref("Completion"))


def test_a_header_for_a_key_makes_an_operation_keyed_and_is_the_clients_to_send(tmp_path: Path) -> None:
    operation, api = loaded(
        tmp_path, "parameters: [{name: Idempotency-Key, in: header, schema: {type: string}}]"
    )
    assert operation.replay == "keyed"
    assert operation.parameters == ()
    assert api.idempotency_header == "Idempotency-Key"
    assert {"idempotency_header"} <= set(api.guessed)


def test_error_bodies_show_where_message_and_type_stand(tmp_path: Path) -> None:
    shape = "{properties: {error: {properties: {message: {type: string}, type: {type: string}}}}}"
    _, api = loaded(tmp_path, f"responses: {{'400': {{content: {{application/json: {{schema: {shape}}}}}}}}}")
    assert (api.errors.message, api.errors.type) == ("error.message", "error.type")
    assert "errors" in api.guessed


def test_what_x_forge_says_is_no_guess(tmp_path: Path) -> None:
    told = "x-forge: {method: talk.go, replay: safe, stream: {family: events, terminal: []}}"
    operation, api = loaded(tmp_path, f"{told}, {events('a.delta', 'a.done')}")
    assert operation.guessed == ()
    assert operation.stream is not None
    assert operation.stream.terminal == ()
    assert set(api.guessed) == {"provider", "client"}


def test_an_operation_knows_where_it_stands(tmp_path: Path) -> None:
    operation, _ = loaded(tmp_path, "operationId: go")
    assert (operation.key, operation.pointer) == ("/talk", "/paths/~1talk/post")
    assert (operation.file, operation.line) == ("api.yaml", 9)


@needs_shared
def test_every_stream_of_the_vendors_has_a_family(tmp_path: Path) -> None:
    streams = 0
    for name in ("anthropic.stainless-via-tryagi.yaml", "mistral.public-doc.yaml", "ollama.official.yaml"):
        for operation in spec.load(unpacked(name, tmp_path)).operations():
            if operation.stream is not None:
                streams += 1
                assert operation.stream.family is not None
    assert streams >= 20


@needs_shared
def test_anthropics_events_are_found_among_its_schemas(tmp_path: Path) -> None:
    api = spec.load(unpacked("anthropic.stainless-via-tryagi.yaml", tmp_path))
    (messages,) = [one for one in api.operations() if one.operation_id == "messages_post"]
    assert messages.stream is not None
    assert (messages.stream.family, messages.stream.event) == ("block-event", Ref("MessageStreamEvent"))
    assert not any(
        one.stream.event == AnyType() for one in api.operations() if one.stream and one.key == "/v1/messages"
    )
