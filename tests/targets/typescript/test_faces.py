"""What the TypeScript target makes of types, names and texts, rule by rule."""

from __future__ import annotations

import json
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from llm_forge import spec
from llm_forge.targets import OptionError, Options
from llm_forge.targets.typescript import TypeScriptTarget
from llm_forge.targets.typescript.names import Names
from llm_forge.targets.typescript.text import Identifier, Key, Prose, Quoted, comment, literal
from tests.shared import ROOT, needs_shared
from tests.spec.test_vendor_documents import unpacked


def faces(folder: Path, schemas: dict[str, Any], **operation: Any) -> dict[str, str]:
    """The modules of an API with one operation that answers the first schema."""
    answer = {"$ref": f"#/components/schemas/{next(iter(schemas))}"}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "servers": [{"url": "https://api.example.com"}],
        "paths": {
            "/things": {
                "post": {
                    "operationId": "things.make",
                    "tags": ["things"],
                    "responses": {
                        "200": {"description": "", "content": {"application/json": {"schema": answer}}}
                    },
                    **operation,
                }
            }
        },
        "components": {"schemas": schemas},
    }
    path = folder / "d.json"
    path.write_text(json.dumps(document))
    return dict(TypeScriptTarget().faces(spec.load(path)))


def models(folder: Path, schemas: dict[str, Any]) -> str:
    found = faces(folder, schemas)
    return "\n".join(source for path, source in found.items() if path.startswith("models/"))


def body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


@pytest.mark.requirement("R-014")
def test_an_enum_is_open(tmp_path: Path) -> None:
    source = models(tmp_path, {"A": {"type": "object", "properties": {"kind": {"enum": ["a", "b"]}}}})
    assert 'readonly kind?: "a" | "b" | (string & {}) | undefined;' in source


@pytest.mark.requirement("R-141")
def test_a_tagged_union_has_a_member_for_those_that_come_later(tmp_path: Path) -> None:
    member = {"type": "object", "required": ["type"]}
    a = {**member, "properties": {"type": {"const": "a"}}}
    b = {**member, "properties": {"type": {"enum": ["b", "c"]}}}
    tell = {"propertyName": "type", "mapping": {"a": "#/components/schemas/A", "b": "#/components/schemas/B"}}
    either = {"oneOf": [{"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/B"}]}
    source = models(tmp_path, {"Either": {**either, "discriminator": tell}, "A": a, "B": b})
    assert 'export type Either = A | B | Unknown<"type">;' in source
    assert 'import type { Unknown } from "./unknown.js";' in source
    assert 'readonly type: "a";' in source
    assert 'readonly type: "b" | "c";' in source  # as its union tells it, so that comparing narrows


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([{"type": "string"}, {"enum": ["auto"]}], '"auto" | (string & {})'),
        ([{"const": "auto"}, {"type": "string"}], '"auto" | (string & {})'),
        ([{"$ref": "#/components/schemas/Names"}, {"const": "x"}], 'number | (string & {}) | "x"'),
        ([{"type": "string"}, {"$ref": "#/components/schemas/Names"}], "string | Names"),
        ([{"type": "boolean"}, {"const": True}], "boolean"),
        ([{"type": "string"}, {}], "unknown"),
        ([{"type": "array", "items": {"type": "string"}}, {"type": "string"}], "readonly string[] | string"),
        ([{"type": "null"}, {"type": "integer"}], "number | null"),
    ],
)
def test_no_member_of_a_union_says_nothing(tmp_path: Path, members: list[Any], expected: str) -> None:
    names = {"type": ["string", "number"]}
    either = {"type": "object", "required": ["a"], "properties": {"a": {"anyOf": members}}}
    source = models(tmp_path, {"Either": either, "Names": names})
    assert f"readonly a: {expected};" in source


def test_types_that_are_only_themselves_are_any_json(tmp_path: Path) -> None:
    loop = {"anyOf": [{"$ref": "#/components/schemas/Loop"}, {"type": "string"}]}
    source = models(
        tmp_path, {"Holder": {"properties": {"l": {"$ref": "#/components/schemas/Loop"}}}, "Loop": loop}
    )
    assert "export type Loop = unknown;" in source or "readonly l?: unknown;" in source


def test_a_recursive_type_stays_typed(tmp_path: Path) -> None:
    tree = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}]}
    source = models(
        tmp_path, {"Holder": {"properties": {"t": {"$ref": "#/components/schemas/Tree"}}}, "Tree": tree}
    )
    assert "export type Tree = string | readonly Tree[];" in source


def test_parameters_of_all_places_are_one_object_and_reach_their_places(tmp_path: Path) -> None:
    text = {"schema": {"type": "string"}}
    parameters = [
        {"name": "page-size", "in": "query", **text},
        {"name": "x-trace", "in": "header", **text},
        {"name": "session", "in": "cookie", **text},
    ]
    sent = {"type": "object", "required": ["page-size"], "properties": {"page-size": {"type": "integer"}}}
    found = faces(tmp_path, {"A": {"type": "object"}}, parameters=parameters, **body(sent))
    resource = found["resources/things.ts"]
    assert "const { page_size: pageSize, x_trace: xTrace, session, ...body } = params;" in resource
    for part in (
        'query: { "page-size": pageSize }',
        'headers: { "x-trace": xTrace }',
        "cookies: { session }",
        "body",
    ):
        assert part in resource
    assert '  "page-size": number;\n' in found["models/things.ts"]


def test_fields_travel_as_the_description_says(tmp_path: Path) -> None:
    fields = {"id": {"type": "string", "readOnly": True}, "key": {"type": "string", "writeOnly": True}}
    thing = {"type": "object", "required": ["id", "key"], "properties": fields}
    sent = {"type": "object", "properties": {"thing": {"$ref": "#/components/schemas/Thing"}}}
    source = faces(tmp_path, {"Thing": thing}, **body(sent))["models/things.ts"]
    assert "readonly id?: string | undefined;" in source
    assert "readonly key?: string | undefined;" in source


@pytest.mark.requirement("R-200")
def test_shapes_tell_which_fields_answers_must_have(tmp_path: Path) -> None:
    leaf = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    leaves = {"type": "array", "items": {"$ref": "#/components/schemas/Leaf"}}
    found = faces(tmp_path, {"Tree": {"type": "object", "properties": {"leaves": leaves}}, "Leaf": leaf})
    told = found["shapes/things.ts"]
    assert 'LeafShape = (): Shape => ({ required: ["n"] })' in told
    assert (
        "TreeShape = (): Shape => ({ fields: { leaves: () => ({ items: LeafShape }) } })"
        in found["shapes/things.ts"]
    )
    assert "shape: TreeShape," in found["resources/things.ts"]


@pytest.mark.requirement("R-245")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ends */ here", "/** ends *\\/ here */"),
        ("@deprecated", "/** \\@deprecated */"),
        ("see {@link x}", "/** see {\\@link x} */"),
        ("me@example.com", "/** me@example.com */"),
        ("hidden \u202e text", "/** hidden \\u202e text */"),
    ],
)
def test_documentation_cannot_end_its_comment_or_be_a_tag(text: str, expected: str) -> None:
    assert comment(Prose(text)) == [expected]


@pytest.mark.requirement("R-246")
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('say "hi"', "'say \"hi\"'"),
        ("it's", '"it\'s"'),
        ("a\n\\\u2028\U0001f600", '"a\\n\\\\\\u2028\\u{1f600}"'),
        ("${x}`", '"${x}`"'),
        (None, "null"),
        (True, "true"),
        (1.0, "1"),
        (0.5, "0.5"),
        (float("inf"), "Infinity"),
        (2**60, "1.152921504606847e+18"),
    ],
)
def test_literals_are_printable_and_what_they_were(value: object, expected: str) -> None:
    assert literal(value) == expected


def test_names_are_identifiers_that_never_collide() -> None:
    names = Names()
    wires = ["class", "getURL", "get_url", "", "1st", "日本", "x-y", "x_y"]
    given = [str(names.camel(wire)) for wire in wires]
    assert given == ["class_", "getURL", "getUrl", "field", "n1St", "field2", "xY", "xY2"]
    assert [str(Names().member(wire)) for wire in ("delete", "default")] == ["delete", "default"]
    with pytest.raises(ValueError, match="not a TypeScript identifier"):
        Identifier("a b")
    assert [Key("a"), Key("class"), Key("x-y"), Key("1")] == ["a", "class", '"x-y"', '"1"']
    assert Quoted("") == '""'


@pytest.mark.parametrize("name", ["", "Acme", "a b", "@/x", "../x", "a" * 215])
def test_names_that_npm_does_not_allow_are_refused(name: str) -> None:
    api = spec.load(ROOT / "golden" / "minimal" / "description.yaml")
    with pytest.raises(OptionError, match="cannot be a name on npm"):
        TypeScriptTarget().files(api, Options(name=name))


def test_the_manifest_has_both_forms_and_only_exact_versions() -> None:
    api = spec.load(ROOT / "golden" / "minimal" / "description.yaml")
    manifest = json.loads(str(TypeScriptTarget().files(api, Options(name="@acme/sdk"))["package.json"]))
    assert manifest["name"] == "@acme/sdk"
    assert manifest["sideEffects"] is False
    assert "dependencies" not in manifest
    assert all(version[0].isdigit() for version in manifest["devDependencies"].values())
    assert set(manifest["exports"]["."]) == {"import", "require"}


def test_a_body_of_the_wire_streams_by_its_parameter(tmp_path: Path) -> None:
    source = TypeScriptTarget().faces(spec.load_description("anthropic"))["resources/messages.ts"]
    head = textwrap.dedent(
        """\
          create(
            params: MessagesCreateParams & { readonly stream?: false | null | undefined },
            options?: RequestOptions,
          ): ApiPromise<Message>;
          create(
            params: MessagesCreateParams & { readonly stream: true },
            options?: RequestOptions,
          ): Stream<MessageStreamEvent, Message>;
        """
    )
    assert textwrap.indent(head, "  ") in source


@needs_shared
def test_openais_document_becomes_typescript_within_two_seconds_of_cpu(tmp_path: Path) -> None:
    api = spec.load(unpacked("openai.official.yaml", tmp_path))
    began = time.process_time()
    TypeScriptTarget().files(api, Options())
    assert time.process_time() - began < 2
