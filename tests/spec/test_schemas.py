"""JSON Schema of three OpenAPI versions to types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llm_forge.spec.ir import (
    AnyType,
    EnumType,
    Limits,
    ListType,
    LiteralType,
    MapType,
    Nullable,
    ObjectType,
    Primitive,
    Ref,
    TaggedUnion,
    Type,
    Union,
)
from tests.spec.making import answer_type, document, load_text

TEXT = Primitive("string")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, TEXT),
        ({"type": "integer", "format": "int64"}, Primitive("integer", "int64")),
        ({"type": "string", "nullable": True}, Nullable(TEXT)),
        ({"type": ["string", "null"]}, Nullable(TEXT)),
        ({"type": ["string", "integer"]}, Union((TEXT, Primitive("integer")))),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, Nullable(TEXT)),
        ({"anyOf": [{"type": "string"}, {"enum": ["a", "b"]}]}, EnumType(("a", "b"))),
        ({"oneOf": [{"const": "a"}, {"const": "b"}]}, EnumType(("a", "b"))),
        ({"const": "a"}, LiteralType("a")),
        ({"enum": ["a"]}, LiteralType("a")),
        ({"enum": ["a", "b", None]}, Nullable(EnumType(("a", "b")))),
        ({"enum": [1, 2]}, EnumType((1, 2), "integer")),
        ({"type": "array", "items": {"type": "string"}}, ListType(TEXT)),
        ({"items": {"type": "string"}, "maxItems": 3}, ListType(TEXT, Limits(max_items=3))),
        ({"type": "object"}, MapType(AnyType())),
        ({"additionalProperties": {"type": "string"}}, MapType(TEXT)),
        ({"allOf": [{"type": "string"}, {"description": "more"}]}, TEXT),
        ({"allOf": [{"type": "string"}, {"enum": ["a", "b"]}]}, EnumType(("a", "b"))),
        ({}, AnyType()),
        (True, AnyType()),
        ({"description": "anything"}, AnyType()),
        (
            {"type": "number", "minimum": 0, "exclusiveMinimum": True},
            Primitive("number", None, Limits(exclusive_minimum=0)),
        ),
    ],
)  # fmt: skip
def test_a_schema_has_one_type(tmp_path: Path, schema: Any, expected: Type) -> None:
    found, _ = answer_type(tmp_path, schema)
    assert found == expected


def test_null_where_a_schema_belongs_is_repaired_and_noted(tmp_path: Path) -> None:
    found, api = answer_type(tmp_path, None)
    assert found == AnyType()
    assert [notice.pointer for notice in api.notices] == ["/components/schemas/Answer/properties/value"]


def test_all_of_is_one_object_with_the_fields_of_all_parts(tmp_path: Path) -> None:
    schema = {
        "allOf": [
            {"$ref": "#/components/schemas/Part"},
            {"type": "object", "required": ["b"], "properties": {"b": {"type": "integer"}}},
        ],
        "required": ["a"],
    }
    part = {"type": "object", "properties": {"a": {"type": "string"}}}
    found, api = answer_type(tmp_path, schema, Part=part)
    merged = api.resolve(found)
    assert isinstance(merged, ObjectType)
    assert [(one.name, one.required) for one in merged.properties] == [("a", True), ("b", True)]


def test_recursion_is_a_named_type(tmp_path: Path) -> None:
    tree = {
        "type": "object",
        "properties": {"children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}},
    }
    found, api = answer_type(tmp_path, {"$ref": "#/components/schemas/Tree"}, Tree=tree)
    assert found == Ref("Tree")
    inner = api.types["Tree"].type
    assert isinstance(inner, ObjectType)
    assert inner.properties[0].type == ListType(Ref("Tree"))


def tagged(name: str) -> dict[str, Any]:
    return {"type": "object", "required": ["type"], "properties": {"type": {"const": name}}}


@pytest.mark.parametrize("discriminator", [None, {"propertyName": "type"}, "mapping"])
def test_a_union_of_tagged_objects_is_told_apart_with_and_without_mapping(
    tmp_path: Path, discriminator: Any
) -> None:
    if discriminator == "mapping":
        mapping = {"a": "#/components/schemas/A", "b": "B"}
        discriminator = {"propertyName": "type", "mapping": mapping}
    schema: dict[str, Any] = {
        "oneOf": [{"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/B"}]
    }
    if discriminator:
        schema["discriminator"] = discriminator
    found, api = answer_type(tmp_path, schema, A=tagged("a"), B=tagged("b"))
    assert api.resolve(found) == TaggedUnion("type", (("a", Ref("A")), ("b", Ref("B"))))


def test_a_discriminator_without_constants_takes_the_schema_names(tmp_path: Path) -> None:
    plain = {"type": "object", "properties": {"type": {"type": "string"}}}
    schema = {
        "oneOf": [{"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/B"}],
        "discriminator": {"propertyName": "type"},
    }
    found, api = answer_type(tmp_path, schema, A=plain, B=plain)
    assert api.resolve(found) == TaggedUnion("type", (("A", Ref("A")), ("B", Ref("B"))))


def test_objects_without_a_common_constant_stay_an_untagged_union(tmp_path: Path) -> None:
    a = {"type": "object", "properties": {"x": {"type": "string"}}}
    b = {"type": "object", "properties": {"y": {"type": "string"}}}
    found, api = answer_type(
        tmp_path,
        {"anyOf": [{"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/B"}]},
        A=a,
        B=b,
    )
    assert api.resolve(found) == Union((Ref("A"), Ref("B")))


def test_inline_objects_are_named_after_where_they_stand_and_never_collide(tmp_path: Path) -> None:
    inline = {"type": "object", "properties": {"x": {"type": "string"}}}
    found, api = answer_type(tmp_path, inline, AnswerValue={"type": "string"})
    assert found == Ref("AnswerValue2")
    assert api.types["AnswerValue2"].derived


def test_a_reference_into_an_enclosing_defs_is_followed(tmp_path: Path) -> None:
    schema = {"$defs": {"In": {"type": "integer"}}, "anyOf": [{"$ref": "#/$defs/In"}, {"type": "string"}]}
    found, _ = answer_type(tmp_path, schema)
    assert found == Union((Ref("In"), TEXT))


def test_all_of_that_includes_itself_ends(tmp_path: Path) -> None:
    loop = {
        "allOf": [
            {"$ref": "#/components/schemas/Loop"},
            {"type": "object", "properties": {"a": {"type": "string"}}},
        ]
    }
    found, api = answer_type(tmp_path, {"$ref": "#/components/schemas/Loop"}, Loop=loop)
    assert isinstance(api.resolve(found), ObjectType)


def test_defaults_and_directions_of_fields_are_kept(tmp_path: Path) -> None:
    answer = {
        "type": "object",
        "properties": {
            "a": {"type": "string", "readOnly": True, "default": None},
            "b": {"type": "string", "writeOnly": True, "deprecated": True},
        },
    }
    api = load_text(tmp_path, document({"Answer": answer}), "api.json")
    found = api.types["Answer"].type
    assert isinstance(found, ObjectType)
    a, b = found.properties
    assert (a.read_only, a.has_default, a.default) == (True, True, None)
    assert (b.write_only, b.deprecated, b.has_default) == (True, True, False)
