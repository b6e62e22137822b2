"""Defects with one meaning: what is taken instead, and where it is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_forge import spec
from llm_forge.spec.ir import AnyType, Api, ListType, MapType, Operation, Primitive, Ref
from tests.spec.making import answer_type, document, load_text

HEAD = """
openapi: 3.1.0
info: {title: T, version: "1"}
servers: [{url: "https://example.com"}]
security: [{key: []}]
components: {securitySchemes: {key: {type: http, scheme: bearer}}}
"""


def one(tmp_path: Path, paths: str) -> tuple[Operation, list[spec.Notice]]:
    """The only operation of a document, and its repairs."""
    api = load_text(tmp_path, HEAD + paths)
    (operation,) = api.operations()
    return operation, repairs(api)


def repairs(api: Api) -> list[spec.Notice]:
    return [notice for notice in api.notices if notice.kind == "repair"]


@pytest.mark.parametrize(
    ("paths", "pointer", "said"),
    [
        ("{/a: {get: null}}", "/paths/~1a/get", "says nothing; taken as one without parameters and answer"),
        ("{/a: {get: {responses: [1]}}}", "/paths/~1a/get/responses", "expected responses by status"),
        ("{/a: {get: {parameters: 3}}}", "/paths/~1a/get/parameters", "found a number 3; ignored"),
        ("{/a: {get: {parameters: [{in: query}]}}}", "/paths/~1a/get/parameters/0", "without a name"),
        ("{/a: {get: {parameters: [null]}}}", "/paths/~1a/get/parameters/0", "nothing where a parameter"),
        ("{/a: {get: {deprecated: 1, tags: x, description: []}}}", "", ""),
        ("{/a: {get: {}}, /b: [1]}", "/paths/~1b", "expected a path item (a mapping) here, found a list"),
        ("{/a: {get: {requestBody: {$ref: '#/x'}}}}", "/paths/~1a/get/requestBody", "leads to nothing"),
        (
            "{/a: {get: {responses: {'200': {content: 3}}}}}",
            "/paths/~1a/get/responses/200/content",
            "found a",
        ),
        ("{/a: {get: {}, $ref: '#/nowhere'}}", "/paths/~1a", "leads to nothing"),
        ("{'/a/{id}': {get: {}}}", "/paths/~1a~1{id}/get", "'id' is not declared; taken as required text"),
    ],
)
def test_a_defect_is_taken_as_absent_and_said_with_its_place(
    tmp_path: Path, paths: str, pointer: str, said: str
) -> None:
    operation, found = one(tmp_path, f"paths: {paths}")
    assert operation.http_method == "GET"
    assert [notice.pointer for notice in found] == ([pointer] if said else [])
    assert all(said in notice.message and (notice.file, notice.line) == ("api.yaml", 7) for notice in found)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"$ref": "#/components/schemas/Nothing"}, "leads to nothing; define it or correct the reference"),
        ({"type": {"a": 1}}, "expected the name of a type here, found a mapping"),
        ({"type": "text"}, "unknown type 'text'"),
        ([1], "expected a schema (a mapping) here, found a list"),
        ("string", "expected a schema (a mapping) here, found text 'string'"),
        (None, "nothing where a schema belongs"),
        (False, "false where a schema belongs"),
    ],
)
def test_a_schema_without_a_meaning_is_any_value(tmp_path: Path, schema: object, said: str) -> None:
    found, api = answer_type(tmp_path, schema)
    assert found == AnyType()
    (repair,) = repairs(api)
    assert said in repair.message
    assert repair.pointer.startswith("/components/schemas/Answer/properties/value")


@pytest.mark.parametrize(
    ("schema", "meant"),
    [
        ({"type": "object", "properties": [1]}, MapType(AnyType())),
        ({"type": "array", "items": {"type": "string"}, "minItems": "many"}, ListType(Primitive("string"))),
        ({"type": "string", "required": True}, Primitive("string")),
    ],
)
def test_a_keyword_of_a_wrong_kind_leaves_the_rest(tmp_path: Path, schema: object, meant: object) -> None:
    assert answer_type(tmp_path, schema)[0] == meant


def test_a_dangling_reference_names_the_nearest_name_there_is(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "#/components/schemas/Mesage"}}}
    api = load_text(tmp_path, document({"Answer": schema, "Message": {"type": "string"}}), "api.json")
    (repair,) = repairs(api)
    assert "did you mean 'Message'?" in repair.message
    assert repair.pointer == "/components/schemas/Answer/properties/a"


def test_a_discriminator_that_maps_to_nothing_loses_only_that_tag(tmp_path: Path) -> None:
    kinds = {name: {"type": "object", "properties": {"k": {"type": "string"}}} for name in ("Cat", "Dog")}
    mapping = {"cat": "Cat", "dog": "#/components/schemas/Dog", "cow": "Cow"}
    pet = {
        "oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}],
        "discriminator": {"propertyName": "k", "mapping": mapping},
    }
    found, api = answer_type(tmp_path, pet, **kinds)
    assert isinstance(found, Ref)
    assert dict(api.types[found.name].type.members) == {"cat": Ref("Cat"), "dog": Ref("Dog")}  # type: ignore[union-attr]  # a tagged union
    assert "did you mean" in repairs(api)[0].message or "leads to nothing" in repairs(api)[0].message


def test_what_stands_beside_the_reference_of_a_path_item_counts(tmp_path: Path) -> None:
    (tmp_path / "item.yaml").write_text(
        "get: {operationId: a.get}\npost: {operationId: a.make, summary: S}\n"
    )
    paths = "paths: {/a: {$ref: item.yaml, delete: {operationId: a.drop}, post: {x-forge: {replay: keyed}}}}"
    api = load_text(tmp_path, HEAD + paths)
    assert [(one.name, one.replay, one.summary) for one in api.operations()] == [
        ("a.drop", "once", ""),
        ("a.get", "safe", ""),
        ("a.make", "keyed", "S"),
    ]


@pytest.mark.requirement("R-201")
def test_a_key_given_twice_is_said_with_its_pointer(tmp_path: Path) -> None:
    api = load_text(tmp_path, HEAD + "paths:\n  /a/b:\n    get: {summary: one,\n      summary: two}\n")
    assert api.operations()[0].summary == "two"
    (repair,) = repairs(api)
    assert (repair.line, repair.pointer) == (10, "/paths/~1a~1b/get/summary")
    assert repair.message == "key 'summary' is given twice; the last is used"


def test_a_security_scheme_that_no_header_can_carry_is_not_used(tmp_path: Path) -> None:
    head = HEAD.replace("{type: http, scheme: bearer}", "{type: apiKey, in: header, name: 'My Key'}")
    api = load_text(tmp_path, head + "paths: {}")
    assert api.auth.kind == "bearer"
    assert any("'My Key' cannot be a header name" in notice.message for notice in repairs(api))


def test_webhooks_are_left_out_with_a_note(tmp_path: Path) -> None:
    api = load_text(
        tmp_path, HEAD + "paths: {/a: {get: {}}}\nwebhooks: {paid: {post: {}}, lost: {post: {}}}\n"
    )
    assert len(api.operations()) == 1
    (omission,) = [notice for notice in api.notices if notice.kind == "omission"]
    assert omission.message == "webhooks are calls to you and are not generated: paid, lost"
    assert omission.pointer == "/webhooks"


def test_a_media_type_may_be_a_reference(tmp_path: Path) -> None:
    text = HEAD.replace("3.1.0", "3.2.0").replace(
        "components: {", "components: {mediaTypes: {Note: {schema: {type: string}}}, "
    )
    media = "{content: {application/json: {$ref: '#/components/mediaTypes/Note'}}}"
    paths = f"paths: {{/a: {{put: {{requestBody: {media}, responses: {{'200': {media}}}}}}}}}"
    (operation,) = load_text(tmp_path, text + paths).operations()
    assert operation.body is not None
    assert operation.body.type == operation.result.type == Primitive("string")


def test_operations_of_other_methods_are_read(tmp_path: Path) -> None:
    paths = "paths: {/a: {query: {}, additionalOperations: {LINK: {operationId: a.link}}}}"
    api = load_text(tmp_path, HEAD.replace("3.1.0", "3.2.0") + paths)
    assert {one.http_method for one in api.operations()} == {"QUERY", "LINK"}
