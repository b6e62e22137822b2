"""Descriptions that cannot be used: where, and what to do, in three lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llm_forge import spec
from llm_forge.spec import source
from tests.spec.making import document, load_text, refusal

HEAD = """
openapi: 3.1.0
info: {title: T, version: "1"}
servers: [{url: "https://example.com"}]
"""


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(spec.DescriptionError, match=r"absent\.yaml: there is no such file"):
        spec.load(tmp_path / "absent.yaml")


def test_a_directory_is_not_a_description(tmp_path: Path) -> None:
    with pytest.raises(spec.DescriptionError, match="directory"):
        spec.load(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no `openapi` key"),
        ("[]", "no `openapi` key"),
        ("hello", "no `openapi` key"),
        ("a: 1", "no `openapi` key"),
        ("swagger: '2.0'", "Swagger 2.0"),
        ("openapi: 2.5.0", "OpenAPI 2.5.0 is not read"),
        ("openapi: 3.9.0", "OpenAPI 3.9.0 is not read"),
    ],
)
def test_what_is_not_openapi_3_says_so(tmp_path: Path, text: str, said: str) -> None:
    assert said in str(refusal(tmp_path, text))


def test_text_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_bytes(b"openapi: 3.1.0\nx: \xff\n")
    with pytest.raises(spec.DescriptionError, match="not UTF-8"):
        spec.load(tmp_path / "api.yaml")


@pytest.mark.requirement("R-248")
def test_a_document_beyond_the_size_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_BYTES", 10)
    assert "larger than" in str(refusal(tmp_path, HEAD))


@pytest.mark.parametrize(
    ("patch", "line", "said"),
    [
        ("paths: [1]", 5, "expected paths (a mapping)"),
        ("x-forge: {providr: x}", 5, "did you mean 'provider'?"),
        ("x-forge: {provider: 'no good'}", 5, "cannot be the provider"),
        ("x-forge: {env: {api_key: 'a b'}}", 5, "environment variable"),
        ("x-forge: {errors: {status_of_type: {a: many}}}", 5, "expected an HTTP status"),
        ("x-forge: {rate_limits: [{family: x}]}", 5, "needs limit and remaining"),
        ("x-forge: {headers: {'a b': c}}", 5, "cannot be a header name"),
        ("paths: {/a: {get: {x-forge: {replay: twice}}}}", 5, "unknown replay 'twice'"),
        ("paths: {/a: {get: {x-forge: {method: create}}}}", 5, "is not resource.name"),
        ("paths: {/a: {get: {x-forge: {stream: {family: chat}}}}}", 5, "valid are chat-completion"),
        ("paths: {/a: {get: {x-forge: {stream: {family: events}}}}}", 5, "needs `terminal`"),
        ("paths: {/a: {get: {x-forge: {stream: {terminal: [x]}}}}}", 5, "terminal goes with family events"),
        ("paths: {/a: {get: {x-forge: {stream: {event: Nothing}}}}}", 5, "leads to nothing"),
        ("paths: {/a: {get: {x-forge: {stream: {family: [1]}}}}}", 5, "expected text here, found a list"),
        ("x-forge: {env: [1]}", 5, "expected a mapping"),
        ("x-forge: {headers: 3}", 5, "expected a mapping"),
        (
            "paths: {/a: {get: {x-forge: {stream: {family: response, terminal: [x]}}}}}",
            5,
            "terminal goes with family events",
        ),
    ],
)
def test_a_wrong_value_is_named_with_its_place(tmp_path: Path, patch: str, line: int, said: str) -> None:
    error = refusal(tmp_path, HEAD + patch)
    assert said in error.message
    assert error.line == line
    assert error.pointer


def test_two_methods_of_one_name_are_refused_with_both_lines(tmp_path: Path) -> None:
    error = refusal(
        tmp_path,
        HEAD
        + """paths:
  /a:
    get: {x-forge: {method: a.get}}
  /b:
    get: {x-forge: {method: a.get}}
""",
    )
    assert "already given at line 7" in error.message
    assert error.line == 9


@pytest.mark.requirement("R-247")
@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:9/x.yaml",
        "https://example.com/x.yaml#/a",
        "file:///etc/passwd",
        "//example.com/x.yaml",
        "/etc/passwd",
        "../x.yaml",
        "%2e%2e/x.yaml",
        "link.yaml",
    ],
)
def test_sc_04_references_that_leave_the_directory_are_refused(tmp_path: Path, target: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "x.yaml").write_text("type: string\n")
    (inside / "link.yaml").symlink_to(tmp_path / "x.yaml")
    error = refusal(inside, document({"Answer": {"$ref": target}}), "api.json")
    assert "is not read" in error.message or "leaves the directory" in error.message


@pytest.mark.requirement("R-247")
def test_references_to_files_beside_the_document_are_read(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "types.yaml").write_text("Point: {type: object, properties: {x: {type: integer}}}\n")
    answer = {"type": "object", "properties": {"at": {"$ref": "more/types.yaml#/Point"}}}
    api = load_text(tmp_path, document({"Answer": answer}), "api.json")
    assert len(api.types) == 2


@pytest.mark.requirement("R-248")
def test_sc_05_a_reference_chain_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    chain = {f"S{n}": {"$ref": f"#/components/schemas/S{n + 1}"} for n in range(10_000)}
    schemas = {"Answer": {"$ref": "#/components/schemas/S0"}, **chain, "S10000": {"type": "string"}}
    assert "chain of more than 100" in refusal(tmp_path, document(schemas), "api.json").message


@pytest.mark.requirement("R-248")
def test_sc_05_a_reference_that_leads_back_to_itself_is_refused(tmp_path: Path) -> None:
    schemas = {"Answer": {"$ref": "#/components/schemas/B"}, "B": {"$ref": "#/components/schemas/Answer"}}
    assert "leads back to itself" in refusal(tmp_path, document(schemas), "api.json").message


@pytest.mark.requirement("R-248")
def test_sc_05_schemas_that_include_each_other_very_deeply_are_refused_or_read(tmp_path: Path) -> None:
    def part(number: int) -> dict[str, Any]:
        more = {"type": "object", "properties": {f"p{number}": {"type": "string"}}}
        return {"allOf": [{"$ref": f"#/components/schemas/S{number + 1}"}, more]}

    schemas = {f"S{n}": part(n) for n in range(2000)} | {"S2000": {"type": "object"}}
    error = refusal(tmp_path, document({"Answer": part(-1), **schemas}), "api.json")
    assert "too deeply" in error.message


@pytest.mark.requirement("R-248")
def test_sc_05_unions_that_contain_each_other_end(tmp_path: Path) -> None:
    names = [f"U{n}" for n in range(12)]
    refs = [{"$ref": f"#/components/schemas/{name}"} for name in names]
    schemas = {name: {"oneOf": refs} for name in names}
    api = load_text(tmp_path, document({"Answer": {"oneOf": refs}, **schemas}), "api.json")
    assert set(names) <= set(api.types)


def test_an_unknown_provider_names_those_there_are() -> None:
    with pytest.raises(spec.DescriptionError, match="there are"):
        spec.load_description("nobody")


def test_an_error_survives_pickling(tmp_path: Path) -> None:
    import pickle

    error = refusal(tmp_path, HEAD + "paths: 3")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert str(again) == str(error)
    assert again.line == error.line
