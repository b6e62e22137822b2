"""Operations: names, parameters, bodies, answers, streams, without and with x-forge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llm_forge import spec
from llm_forge.spec.ir import Auth, Ref, Stream
from tests.spec.making import document, load_text, refusal

HEAD = """
openapi: 3.1.0
info: {title: Acme Chat API, version: "1"}
servers: [{url: "https://api.acme.com/v1/"}]
"""


def names(tmp_path: Path, paths: str) -> list[str]:
    return [one.name for one in load_text(tmp_path, HEAD + paths).operations()]


def test_names_come_from_operation_id_tag_and_path(tmp_path: Path) -> None:
    paths = """paths:
  /v1/models: {get: {operationId: list_models_v1_models_get, tags: [Models]}}
  /v1/models/{id}: {get: {operationId: models.retrieve, tags: [Other]}}
  /v1/things/{id}/parts: {get: {}, delete: {}}
  /chat: {post: {operationId: createChatCompletion, tags: [Chat]}}
"""
    assert names(tmp_path, paths) == [
        "chat.create_completion",
        "models.list",
        "models.retrieve",
        "things.delete_parts",
        "things.get_parts",
    ]


@pytest.mark.parametrize(
    ("path", "method", "operation", "name"),
    [
        ("/v1/chat", "post", "{operationId: chat, tags: [chat]}", "chat.create"),
        ("/v1/models", "get", "{operationId: models, tags: [models]}", "models.list"),
        ("/v1/version", "get", "{operationId: version, tags: [version]}", "version.get"),
        (
            "/v1/messages",
            "post",
            "{operationId: beta_messages_post, tags: [messages]}",
            "messages.beta_create",
        ),
        ("/v1/files/{id}", "put", "{operationId: files_put, tags: [files]}", "files.update"),
        ("/v1/agents", "post", "{operationId: agents_api_v1_agents_create, tags: [agents]}", "agents.create"),
        ("/v1/tools", "post", "{operationId: tool_call_v1, tags: [tools]}", "tools.call"),
        ("/v2/tools", "post", "{operationId: tool_call_v1, tags: [tools]}", "tools.call_v1"),
        ("/notes", "post", "{}", "notes.create"),
        ("/notes/{id}/parts", "post", "{}", "notes.post_parts"),
        ("/keys", "get", "{operationId: getApiKeys, tags: [keys]}", "keys.get_api"),
    ],
)
def test_words_that_say_nothing_new_are_left_out_of_a_name(
    tmp_path: Path, path: str, method: str, operation: str, name: str
) -> None:
    assert names(tmp_path, f"paths: {{'{path}': {{{method}: {operation}}}}}") == [name]


def test_names_that_become_files_are_not_too_long(tmp_path: Path) -> None:
    long = "words" * 30
    text = document({"Answer": {"type": "object"}}, tags=[f"a{long}.b{long}.c{long}"], operationId="x")
    api = load_text(tmp_path, text.replace("Test API", f"My {long}"), "api.json")
    (operation,) = api.operations()
    assert [len(part) for part in operation.name.split(".")] == [40, 1]
    assert (len(api.provider), len(api.client)) == (2, 40)
    assert operation.name.endswith(".x")


@pytest.mark.parametrize("told", [{"provider": "a" * 41}, {"client": "A" * 41}])
def test_a_name_of_ones_own_that_is_too_long_is_refused(told: dict[str, str], tmp_path: Path) -> None:
    text = json.dumps(json.loads(document({"Answer": {"type": "object"}})) | {"x-forge": told})
    assert "longer than 40 characters" in refusal(tmp_path, text, "api.json").message
    method = {"method": f"{'a' * 81}.get"}
    assert (
        "longer than 80"
        in refusal(tmp_path, document({"Answer": {}}, **{"x-forge": method}), "a.json").message
    )


def test_paths_that_differ_by_query_or_fragment_are_different_operations(tmp_path: Path) -> None:
    api = load_text(
        tmp_path,
        HEAD
        + """paths:
  /messages: {post: {operationId: send, tags: [m]}}
  /messages?beta=true: {post: {operationId: send, tags: [m]}}
  /messages#stream: {post: {operationId: send, tags: [m]}}
""",
    )
    found = {one.name: (one.path, one.query) for one in api.operations()}
    assert len(found) == 3
    assert {path for path, _ in found.values()} == {"/messages"}
    assert sorted(query for _, query in found.values()) == [(), (), (("beta", "true"),)]


def test_replay_is_safe_for_get_and_once_otherwise(tmp_path: Path) -> None:
    paths = "paths: {/a: {get: {}, head: {}, post: {}, put: {}, delete: {}}}"
    api = load_text(tmp_path, HEAD + paths)
    assert {one.http_method: one.replay for one in api.operations()} == {
        "GET": "safe", "HEAD": "safe", "POST": "once", "PUT": "once", "DELETE": "once",
    }  # fmt: skip


def test_parameters_of_path_item_and_operation_are_joined_in_template_order(tmp_path: Path) -> None:
    api = load_text(
        tmp_path,
        HEAD
        + """paths:
  /a/{x}/{y}:
    parameters:
      - {name: y, in: path, required: true, schema: {type: string}}
      - {name: q, in: query, schema: {type: string}}
    get:
      parameters:
        - {name: q, in: query, required: true, schema: {type: integer}}
        - {name: c, in: cookie, schema: {type: string}}
        - {name: Authorization, in: header, schema: {type: string}}
""",
    )
    (operation,) = api.operations()
    assert [(one.name, one.location, one.required) for one in operation.parameters] == [
        ("x", "path", True),
        ("y", "path", True),
        ("q", "query", True),
        ("c", "cookie", False),
    ]
    said = " ".join(notice.message for notice in api.notices)
    assert "'x' is not declared" in said


def test_a_style_that_does_not_fit_its_place_is_taken_as_the_usual_one(tmp_path: Path) -> None:
    parameters = [
        {"name": "id", "in": "path", "required": True, "style": "matrix", "schema": {"type": "string"}},
        {"name": "kind", "in": "path", "required": True, "style": "form", "schema": {"type": "string"}},
        {"name": "X-A", "in": "header", "style": "matrix", "schema": {"type": "string"}},
    ]
    answer = {"Answer": {"type": "object"}}
    api = load_text(tmp_path, document(answer, parameters=parameters).replace('/answers"', '/{id}/{kind}"'))
    (operation,) = api.operations()
    assert [one.style for one in operation.parameters] == ["matrix", "simple", "simple"]
    told = [one.message for one in api.notices if one.kind == "repair"]
    assert told == [
        "'form' is no style of a path parameter; taken as 'simple'",
        "'matrix' is no style of a header parameter; taken as 'simple'",
    ]


def form_body(folder: Path, schema: object) -> tuple[str, list[str]]:
    """The kind of an urlencoded body, and what is said of it."""
    body = {"content": {"application/x-www-form-urlencoded": {"schema": schema}}}
    api = load_text(folder, document({"Answer": {"type": "object"}}, requestBody=body), "api.json")
    (operation,) = api.operations()
    assert operation.body is not None
    return operation.body.kind, [one.message for one in api.notices if "form" in one.message]


@pytest.mark.parametrize("schema", [{"type": "string"}, {"type": "array", "items": {}}, {"enum": ["a=1"]}])
def test_a_form_without_fields_is_text_that_the_caller_gives(schema: object, tmp_path: Path) -> None:
    assert form_body(tmp_path, schema) == (
        "binary", ["a form without fields is sent as the text that it is given as"]
    )  # fmt: skip


@pytest.mark.parametrize(
    "schema", [{"properties": {"a": {}}}, {}, {"anyOf": [{"type": "string"}, {"type": "object"}]}]
)
def test_a_form_that_may_have_fields_is_a_form(schema: object, tmp_path: Path) -> None:
    assert form_body(tmp_path, schema) == ("form", [])


def test_an_event_stream_beside_json_is_the_streamed_form_of_one_operation(tmp_path: Path) -> None:
    api = load_text(
        tmp_path,
        HEAD.replace("3.1.0", "3.2.0")
        + """paths:
  /chat:
    post:
      requestBody: {content: {application/json: {schema: {properties: {stream: {type: boolean}}}}}}
      responses:
        "200":
          description: OK
          content:
            application/json: {schema: {$ref: "#/components/schemas/Answer"}}
            text/event-stream: {itemSchema: {$ref: "#/components/schemas/Chunk"}}
components:
  schemas:
    Answer: {type: object, properties: {choices: {type: array}}}
    Chunk: {type: object, properties: {choices: {type: array}}}
""",
    )
    (operation,) = api.operations()
    assert operation.result.kind == "json-or-stream"
    assert operation.result.type == Ref("Answer")
    assert operation.stream is not None
    assert (operation.stream.family, operation.stream.parameter) == ("chat-completion", "stream")
    assert operation.stream.event == Ref("Chunk")


def streamed(tmp_path: Path, told: str, events: str = "{}", body: str = "{}") -> Stream | None:
    api = load_text(
        tmp_path,
        HEAD.replace("3.1.0", "3.2.0")
        + f"""paths:
  /talk:
    post:
      x-forge: {{method: talk.go, stream: {told}}}
      requestBody: {{content: {{application/json: {{schema: {{properties: {body}}}}}}}}}
      responses:
        "200": {{content: {{application/json: {{}}, text/event-stream: {{itemSchema: {events}}}}}}}
components: {{schemas: {{Whole: {{type: object}}}}}}
""",
    )
    (operation,) = api.operations()
    return operation.stream


def typed(*tags: str) -> str:
    members = ", ".join(f"{{type: object, properties: {{type: {{const: {tag}}}}}}}" for tag in tags)
    return f"{{oneOf: [{members}]}}"


@pytest.mark.parametrize(
    ("tags", "family"),
    [
        (("message_start", "content_block_delta", "message_stop"), "block-event"),
        (("response.created", "response.output_text.delta", "response.completed"), "response"),
        (("message.output.delta", "conversation.response.done"), "conversation"),
        (("response.output_text.delta", "x"), "events"),
        (("speech.audio.delta", "speech.audio.done"), "events"),
    ],
)
def test_a_family_is_known_by_the_tags_that_only_it_has(
    tmp_path: Path, tags: tuple[str, ...], family: str | None
) -> None:
    stream = streamed(tmp_path, "{parameter: stream}", typed(*tags))
    assert stream is not None
    assert stream.family == family


@pytest.mark.requirement("R-135")
def test_x_forge_says_what_ends_a_stream_of_typed_events_and_how_it_is_framed(tmp_path: Path) -> None:
    told = "{parameter: form, value: sse, family: events, ndjson: true, type_field: done, terminal: 'yes'}"
    stream = streamed(tmp_path, told)
    assert stream is not None
    assert (stream.family, stream.parameter, stream.value) == ("events", "form", "sse")
    assert (stream.ndjson, stream.type_field, stream.terminal) == (True, "done", ("yes",))


def test_an_operation_without_a_parameter_always_streams_and_may_name_its_result(tmp_path: Path) -> None:
    stream = streamed(tmp_path, "{family: conversation, result: Whole}")
    assert stream is not None
    assert stream.parameter is None
    assert stream.result == Ref("Whole")


def test_no_security_means_bearer_with_a_notice(tmp_path: Path) -> None:
    api = load_text(tmp_path, HEAD + "paths: {}")
    assert api.auth == Auth()
    assert any("Bearer" in notice.message for notice in api.notices)
    assert (api.provider, api.client, api.servers) == ("acme_chat", "AcmeChat", ("https://api.acme.com/v1",))


@pytest.mark.requirement("R-251")
def test_servers_must_be_https_and_carry_no_credential(tmp_path: Path) -> None:
    text = HEAD.replace(
        '"https://api.acme.com/v1/"', '"http://api.acme.com"}, {url: "https://u:p@h.com/x?k=1"'
    )
    api = load_text(tmp_path, text + "paths: {}")
    assert api.servers == ("https://h.com/x",)


def test_a_forge_file_is_laid_over_the_document(tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_text(HEAD + "paths: {/a: {post: {operationId: x}}}")
    (tmp_path / "f.yaml").write_text(
        "x-forge: {provider: acme, client: Acme}\n"
        "paths: {/a: {post: {x-forge: {method: a.make, replay: keyed}}}}"
    )
    api = spec.load(tmp_path / "api.yaml", forge=tmp_path / "f.yaml")
    assert (api.provider, api.client) == ("acme", "Acme")
    assert [(one.name, one.replay) for one in api.operations()] == [("a.make", "keyed")]


def test_an_overlay_updates_and_removes(tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_text(HEAD + "paths: {/a: {post: {operationId: x}, get: {operationId: y}}}")
    (tmp_path / "o.yaml").write_text(
        "overlay: 1.0.0\nactions:\n"
        "  - {target: \"$.paths['/a'].get\", remove: true}\n"
        "  - {target: '$.paths.*.post', update: {x-forge: {method: a.make}}}\n"
        "  - {target: '$.paths.nothing', remove: true}\n"
    )
    api = spec.load(tmp_path / "api.yaml", overlays=[tmp_path / "o.yaml"])
    assert [one.name for one in api.operations()] == ["a.make"]
    assert any("matches nothing" in notice.message for notice in api.notices)


def test_the_ir_as_json_is_versioned_and_the_same_twice(tmp_path: Path) -> None:
    first = spec.to_json(load_text(tmp_path, HEAD + "paths: {/a: {get: {}}}"))
    second = spec.to_json(load_text(tmp_path, HEAD + "paths: {/a: {get: {}}}"))
    assert first == second
    assert first.endswith('"version": 1\n}\n')
