"""Wire cases, served: the right request gets its answer, any other a list of what differs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from llm_forge import spec
from llm_forge.cli.main import main
from llm_forge.simulator import DocumentError, Simulator
from llm_forge.spec.wire import Case, File, to_json, wire_suite
from tests.shared import ROOT
from tests.simulator.wire import Answer, fetch

SUITE = wire_suite(spec.load(ROOT / "golden" / "multipart-and-binary" / "description.yaml"))
CASES = {one.id: one for one in SUITE.cases}
KEY = {"authorization": "Bearer wire-key"}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    file = tmp_path_factory.mktemp("wire") / "wire.json"
    file.write_text(to_json(SUITE))
    with Simulator(wire=[file]) as simulator:
        yield simulator.environment()["LLM_FORGE_WIRE_URL"]


def send(url: str, case: Case, path: str | None = None, **given: Any) -> Answer:
    target = f"{url}/{case.id}{case.sent.path if path is None else path}"
    return fetch(target, **{"method": case.sent.method, "headers": KEY, **given})


def problems(answer: Answer) -> list[str]:
    assert answer.status == 400
    found: list[str] = answer.json["problems"]
    assert found[0] in answer.json["error"]["message"]
    return found


def test_the_right_request_gets_the_answer_of_its_case(url: str) -> None:
    case = CASES["files.list.minimal"]
    answer = send(url, case)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json == case.outcome.value == [{"id": "text"}]


def test_bytes_and_empty_answers_are_served_as_they_are(url: str) -> None:
    case = CASES["files.content.minimal"]
    assert isinstance(case.outcome.value, File)
    assert send(url, case).body == case.outcome.value.content
    assert send(url, CASES["files.delete.minimal"]).status == 204
    assert send(url, CASES["files.delete.error"]).status == 422


def test_every_difference_of_a_request_is_told(url: str) -> None:
    case = CASES["files.results.full"]
    answer = send(url, case, "/results/other?x=1", method="PUT", headers={"cookie": "session=no"})
    assert problems(answer) == [
        "method: expected GET, found PUT",
        "path: expected /results/a%2Fb%20%26%20%C3%BC%3F, found /results/other",
        'query x: expected nothing, found ["1"]',
        'header authorization: expected "Bearer wire-key", found nothing',
        'cookie session: expected ["text"], found ["no"]',
    ]
    assert "and 2 more" in answer.json["error"]["message"]


def test_a_path_may_be_encoded_otherwise_but_not_lead_elsewhere(url: str) -> None:
    case = CASES["files.results.full"]
    cookie = {**KEY, "cookie": "session=text"}
    assert send(url, case, "/results/a%2fb%20&%20%c3%bc%3F", headers=cookie).status == 200
    assert "path: expected" in problems(send(url, case, "/results/a/b%20&%20%c3%bc%3F", headers=cookie))[0]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ([{"id": "text", "size": True}], "body[0].size: expected 1, found true"),
        ([{"id": "text", "size": 1}, 2], "body: expected [{"),
        ([{"id": "text"}], "body[0].size: expected 1, found nothing"),
        ([{"id": "text", "size": 1, "more": None}], "body[0].more: expected nothing, found null"),
        ({}, "body: expected ["),
    ],
)
def test_json_is_compared_value_by_value(url: str, body: Any, told: str) -> None:
    case = CASES["files.rename.full"]
    text = json.dumps(body).replace('"text"', json.dumps("a/b & ü?"))
    answer = send(url, case, body=text.encode(), headers={**KEY, "content-type": "application/json"})
    assert problems(answer)[0].startswith(told)


def test_numbers_are_equal_by_value(url: str) -> None:
    case = CASES["files.rename.full"]
    body = json.dumps([{"id": "a/b & ü?", "size": 1.0}]).encode()
    headers = {**KEY, "content-type": "application/json; charset=utf-8"}
    assert send(url, case, body=body, headers=headers).status == 204


def form(parts: list[tuple[str, str, str, bytes]]) -> bytes:
    """A multipart body: name, what follows the name, more headers, content."""
    made = b"".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"{after}\r\n{more}\r\n'.encode()
        + content
        + b"\r\n"
        for name, after, more, content in parts
    )
    return made + b"--b--\r\n"


def test_a_form_is_compared_part_by_part(url: str) -> None:
    case = CASES["files.create.minimal"]
    headers = {**KEY, "content-type": "multipart/form-data; boundary=b"}
    content = case.arguments.body["file"].content
    right = form([("file", '; filename="any.bin"', "", content)])
    assert send(url, case, body=right, headers=headers).status == 200
    wrong = form([("file", "", "", content), ("more", "", "", b"1")])
    assert problems(send(url, case, body=wrong, headers=headers)) == [
        "field file: expected a file",
        "field more: expected 0 times, found 1 times",
    ]
    torn = problems(send(url, case, body=right[:-4], headers=headers))
    assert torn == ["body: the form does not end with its boundary"]


def test_a_media_type_of_a_part_and_json_in_it_are_compared(url: str) -> None:
    case = CASES["files.create.full"]
    headers = {**KEY, "content-type": "multipart/form-data; boundary=b"}
    parts = [
        (
            one.name,
            '; filename="x"' if one.is_file else "",
            f"Content-Type: {one.media_type}\r\n" if one.media_type else "",
            one.content.replace(b":", b": ") if one.name == "labels" else one.content,
        )
        for one in case.sent.body.parts
    ]
    assert send(url, case, body=form(parts), headers=headers).status == 200
    plain = [(name, after, "", content) for name, after, _, content in parts]
    assert problems(send(url, case, body=form(plain), headers=headers)) == [
        'field images: expected the type image/png, found ""'
    ]


def test_a_urlencoded_form_and_bytes_are_compared(url: str) -> None:
    case = CASES["files.search.full"]
    headers = {**KEY, "content-type": "application/x-www-form-urlencoded"}
    right = urlencode([(one.name, one.content) for one in case.sent.body.parts]).encode()
    assert send(url, case, body=right, headers=headers).status == 200
    assert len(problems(send(url, case, body=b"q=1", headers=headers))) == 2
    raw = CASES["files.put.minimal"]
    kind = {**KEY, "content-type": "application/octet-stream"}
    assert send(url, raw, body=raw.arguments.body.content, headers=kind).status == 200
    assert problems(send(url, raw, body=b"x", headers=kind))[0].startswith("body: expected")


def test_a_body_where_none_belongs_is_told(url: str) -> None:
    answer = send(url, CASES["files.delete.minimal"], body=b"{}")
    assert problems(answer) == ["body: expected none, found b'{}'"]


def test_an_unknown_case_is_said_to_be_none(url: str) -> None:
    answer = fetch(f"{url}/no.such.case/files", headers=KEY)
    assert (answer.status, answer.json["problems"]) == (404, ["there is no wire case 'no.such.case'"])


def test_a_file_that_holds_no_wire_cases_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.json").write_text('{"version": 2, "cases": []}')
    with pytest.raises(DocumentError, match="expected wire cases of version 1"):
        Simulator(wire=[tmp_path / "other.json"])
    with pytest.raises(SystemExit):
        main(["simulate", "--wire", str(tmp_path / "other.json")])
    assert "expected wire cases of version 1" in capsys.readouterr().err
