"""References to other hosts: refused, unless their origin is allowed by name (R-247)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from llm_forge import spec
from llm_forge.spec import Remote, RemoteError
from llm_forge.spec import remote as limits

from .making import document

HOST = "https://types.example"
POINT = b"Point: {type: object, required: [x], properties: {x: {type: integer}}}\n"


class Web:
    """Documents by URL, and which of them were fetched; what is not there cannot be had."""

    def __init__(self, documents: Mapping[str, bytes]) -> None:
        self.documents = documents
        self.fetched: list[str] = []

    def fetch(self, url: str) -> bytes:
        self.fetched.append(url)
        if url not in self.documents:
            raise RemoteError("The URL answers with 404")
        return self.documents[url]


def loaded(folder: Path, web: Web, *references: str, origins: tuple[str, ...] = (HOST,)) -> spec.Api:
    """An API whose answer has a field for each reference."""
    fields: dict[str, Any] = {f"field{at}": {"$ref": one} for at, one in enumerate(references)}
    path = folder / "api.json"
    path.write_text(document({"Answer": {"type": "object", "properties": fields}}))
    return spec.load(path, remote=Remote(origins, web.fetch))


def refusal(folder: Path, web: Web, *references: str, origins: tuple[str, ...] = (HOST,)) -> str:
    with pytest.raises(spec.DescriptionError) as caught:
        loaded(folder, web, *references, origins=origins)
    assert len(str(caught.value).splitlines()) <= 3
    assert caught.value.file == "api.json"
    return caught.value.message


@pytest.mark.requirement("R-247")
@pytest.mark.parametrize(
    "allowed", [HOST, "types.example", f"{HOST}:443", f"{HOST}/", "HTTPS://Types.Example"]
)
def test_a_reference_to_an_allowed_origin_is_followed_and_fetched_once(tmp_path: Path, allowed: str) -> None:
    web = Web({f"{HOST}/v1/types.yaml": POINT})
    reference = f"{HOST}/v1/types.yaml#/Point"
    api = loaded(
        tmp_path, web, reference, reference, "//types.example/v1/types.yaml#/Point", origins=(allowed,)
    )
    assert set(api.types) == {"Answer", "Point"}
    assert web.fetched == [f"{HOST}/v1/types.yaml"]


@pytest.mark.requirement("R-247")
def test_names_in_a_fetched_document_are_relative_to_its_url(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("type: string\n")
    web = Web(
        {
            f"{HOST}/v1/a.yaml": b"A: {type: object, properties: {b: {$ref: 'sub/b.yaml#/B'}, "
            b"c: {$ref: '#/C'}}}\nC: {type: object}\n",
            f"{HOST}/v1/sub/b.yaml": b"B: {type: object, properties: {a: {$ref: '../../other.yaml'}}}\n",
            f"{HOST}/other.yaml": b"type: object\n",
        }
    )
    api = loaded(tmp_path, web, f"{HOST}/v1/a.yaml#/A")
    assert {"A", "B", "C"} <= set(api.types)
    assert web.fetched == [f"{HOST}/v1/a.yaml", f"{HOST}/v1/sub/b.yaml", f"{HOST}/other.yaml"]


@pytest.mark.requirement("R-247")
@pytest.mark.parametrize(
    "reference",
    [
        "https://elsewhere.example/x.yaml",
        "https://types.example.elsewhere.example/x.yaml",
        "https://types.example:8443/x.yaml",
        "http://types.example/x.yaml",
        "https://u:p@types.example/x.yaml",
        "https://elsewhere.example\\@types.example/x.yaml",
        "https://types.example\n.elsewhere.example/x.yaml",
        "https://types.example:x/y",
        "https:///x.yaml",
        "file:///etc/passwd",
        "ftp://types.example/x",
    ],
)
def test_sc_04_other_origins_and_schemes_are_refused_and_not_asked(tmp_path: Path, reference: str) -> None:
    web = Web({})
    assert "is not read" in refusal(tmp_path, web, reference)
    assert web.fetched == []


@pytest.mark.requirement("R-247")
def test_a_fetched_document_leads_to_no_other_origin_and_to_no_file(tmp_path: Path) -> None:
    (tmp_path / "here.yaml").write_text("type: string\n")
    away = Web({f"{HOST}/a.yaml": b"{$ref: 'https://elsewhere.example/x.yaml'}"})
    with pytest.raises(spec.DescriptionError, match=r"--allow-remote https://elsewhere\.example"):
        loaded(tmp_path, away, f"{HOST}/a.yaml")
    path = (tmp_path / "here.yaml").as_posix().encode()
    home = Web({f"{HOST}/a.yaml": b"{$ref: 'file://" + path + b"'}"})
    with pytest.raises(spec.DescriptionError, match="only https is fetched"):
        loaded(tmp_path, home, f"{HOST}/a.yaml")


@pytest.mark.requirement("R-247")
def test_what_cannot_be_had_or_read_is_told_where_the_reference_stands(tmp_path: Path) -> None:
    missing = refusal(tmp_path, Web({}), f"{HOST}/x.yaml")
    assert "The URL answers with 404" in missing
    binary = refusal(tmp_path, Web({f"{HOST}/x.yaml": b"\xff"}), f"{HOST}/x.yaml")
    assert "not UTF-8" in binary


@pytest.mark.requirement("R-247")
@pytest.mark.parametrize(
    ("limit", "value", "said"),
    [
        ("MAX_REMOTE_BYTES", 10, "larger than"),
        ("MAX_REMOTE_TOTAL", len(POINT) + 1, "in all"),
        ("MAX_REMOTE_DOCUMENTS", 1, "more than 1 remote documents"),
    ],
)
def test_remote_documents_have_limits(
    tmp_path: Path, limit: str, value: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, limit, value)
    web = Web({f"{HOST}/{name}.yaml": POINT for name in "ab"})
    assert said in refusal(tmp_path, web, f"{HOST}/a.yaml#/Point", f"{HOST}/b.yaml#/Point")


@pytest.mark.requirement("R-249")
def test_the_hash_covers_what_was_fetched(tmp_path: Path) -> None:
    url = f"{HOST}/types.yaml"
    one, same, other = (Web({url: POINT + more}) for more in (b"", b"", b"# other\n"))
    digests = [loaded(tmp_path, web, f"{url}#/Point").sha256 for web in (one, same, other)]
    assert digests[0] == digests[1] != digests[2]


def test_documents_that_differ_in_their_query_are_two_and_queries_are_not_told(tmp_path: Path) -> None:
    web = Web({f"{HOST}/t.yaml?sig=one": POINT, f"{HOST}/t.yaml?sig=two": POINT.replace(b"integer", b"5")})
    references = [f"{HOST}/t.yaml?sig={one}#/Point" for one in ("one", "two")]
    api = loaded(tmp_path, web, *references)
    assert set(api.types) == {"Answer", "Point", "Point2"}
    assert [one.file for one in api.notices if "types.example" in one.file] == [f"{HOST}/t.yaml"]


@pytest.mark.parametrize(
    "origin",
    ["http://a.example", "https://a.example/path", "https://a.example?x", "https://", "a b", "u@a.example"],
)
def test_an_origin_that_is_none_is_refused(origin: str) -> None:
    with pytest.raises(RemoteError):
        Remote([origin], Web({}).fetch)
