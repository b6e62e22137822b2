"""Replies and rules from files: what they mean, and what is said about mistakes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from llm_forge.simulator import (
    DocumentError,
    Fault,
    Piece,
    Reply,
    faults_from,
    load_faults,
    replies_from,
    reply_from,
)
from llm_forge.simulator.documents import parse_document


def test_a_file_says_what_the_constructor_says() -> None:
    text = """
- {status: 429, headers: {Retry-After: 7}, json: {error: {message: slow}}, times: forever}
- events:
    - "data: x\\n\\n"
    - {event: ping, json: {type: ping}}
  drip: {bytes: 4, every: 1}
- {raw: {hex: 00ff}, end: reset}
- {base64: "AAE=", headers: [[a, 1], [a, 2]], split: [1, 2]}
- pieces: [{text: x, times: 3, pause: 0.5}, {base64: "AA=="}]
"""
    assert replies_from(*parse_document(text, "x.yaml")) == [
        Reply(status=429, headers={"Retry-After": "7"}, json={"error": {"message": "slow"}}, times=None),
        Reply(events=["data: x\n\n", 'event: ping\ndata: {"type":"ping"}\n\n'], split=4, pause=1.0),
        Reply(raw=b"\x00\xff", end="reset"),
        Reply(body=b"\x00\x01", headers=[("a", "1"), ("a", "2")], split=[1, 2]),
        Reply(pieces=[Piece(b"x", 3, 0.5), Piece(b"\x00")]),
    ]


def test_repeated_events_become_pieces_of_a_stream() -> None:
    reply = reply_from({"events": ["data: x\n\n", {"text": ": hb\n\n", "times": 1000, "pause": 0.01}]})
    assert reply.pieces == [Piece(b"data: x\n\n"), Piece(b": hb\n\n", 1000, 0.01)]
    assert b"text/event-stream" in next(iter(reply.steps())).data  # type: ignore[union-attr]


def test_json_files_keep_escaped_pairs() -> None:
    value, place = parse_document('[{"text": "\\ud83d\\ude42"}]', "x.json")
    assert replies_from(value, place) == [Reply(text="🙂")]


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ("satus: 1", "x.yaml:2 [0].satus: unknown key; did you mean status?"),
        ("status: true", "x.yaml:2 [0].status: expected a whole number, found bool 'True'"),
        ("{text: a, json: 1}", "x.yaml:2 [0].json: one body only: there is text already"),
        ("end: soon", "x.yaml:2 [0].end: expected one of: complete, close, reset, stall, half-close"),
        ("events: [{foo: 1}]", "x.yaml:2 [0].events[0].foo: unknown key"),
        ("base64: '%'", "x.yaml:2 [0].base64: not base64"),
        ("hex: zz", "x.yaml:2 [0].hex: not hexadecimal digits"),
        ("split: 0", "x.yaml:2 [0].split: expected a size in bytes"),
        ("headers: [[a]]", "x.yaml:2 [0].headers[0]: expected [name, value]"),
        ("drip: {bytes: 1}", "x.yaml:2 [0].drip.every: expected seconds, found nothing"),
        ("times: often", 'x.yaml:2 [0].times: expected a whole number or "forever"'),
    ],
)
def test_a_mistake_is_named_with_file_line_and_key(entry: str, complaint: str) -> None:
    with pytest.raises(DocumentError) as caught:
        replies_from(*parse_document(f"\n- {entry}", "x.yaml"))
    assert str(caught.value).startswith(complaint)
    assert len(str(caught.value).splitlines()) <= 3


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ({"provider": "groq"}, "faults [0]: no effect; give one of: status"),
        ({"status": 500, "drop": "reset"}, "faults [0].drop: one answer only: there is status already"),
        ({"drop": "softly"}, "faults [0].drop: expected reset or close"),
        ({"cut": {}}, "faults [0].cut: expected events or bytes"),
        ({"cut": {"bytes": 1, "end": "x"}}, "faults [0].cut.end: expected close"),
        ({"error_event": {"afer": 1}}, "faults [0].error_event.afer: unknown key; did you mean after?"),
        ({"nth": [1, "2"], "status": 500}, "faults [0].nth[1]: expected a whole number"),
        ({"reply": {"satus": 1}}, "faults [0].reply.satus: unknown key"),
        ({"status": "500"}, "faults [0].status: expected a whole number, found str '500'"),
        (
            {"provider": "opnai", "status": 500},
            "faults [0].provider: no provider 'opnai'; did you mean openai?",
        ),
        (
            {"operation": "chat.completion.create", "provider": "mistral", "status": 500},
            "faults [0].operation: no operation of mistral 'chat.completion.create'; did you mean "
            "chat.completions.create?",
        ),
        (
            {"provider": "openai", "operation": "messages.create", "status": 500},
            "faults [0].operation: no operation of openai 'messages.create'; did you mean",
        ),
        ({"drop": "reset", "cut": {"bytes": 1}}, "faults [0].cut: does not go with drop; only delay does"),
        ({"status": 500, "cut": {"events": 1}}, "faults [0].cut: goes with streams only"),
        ({"status": 500, "duplicate": 1}, "faults [0].duplicate: goes with streams only"),
        ({"drop": "reset", "retry_after": 1}, "faults [0].retry_after: goes with status only"),
    ],
)
def test_a_wrong_rule_is_named(rule: object, complaint: str) -> None:
    with pytest.raises(DocumentError) as caught:
        faults_from([rule])
    assert str(caught.value).startswith(complaint)
    assert len(str(caught.value).splitlines()) <= 3


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("every", 0, "expected a whole number from 1 up, found 0"),
        ("nth", 0, "expected a whole number from 1 up, found 0"),
        ("nth", [], "expected at least one whole number"),
        ("times", -1, "expected a whole number from 1 up, found -1"),
        ("probability", 7, "expected a number from 0 to 1, found 7"),
        ("probability", math.nan, "expected a number from 0 to 1, found nan"),
        ("status", 99, "expected a whole number from 400 to 599, found 99"),
        ("proxy_error", 700, "expected a whole number from 400 to 599, found 700"),
        ("split", 0, "expected a whole number from 1 up, found 0"),
        ("duplicate", 0, "expected a whole number from 1 up, found 0"),
        ("unknown_event", -1, "expected a whole number from 0 up, found -1"),
        ("delay", -1, "expected seconds, 0 or more, found -1"),
        ("pause", math.inf, "expected seconds, 0 or more, found inf"),
        ("retry_after", -1.5, "expected seconds, 0 or more, found -1.5"),
        ("content_type", "text/html\r\nx-evil: 1", "expected one line of text"),
        ("headers", {"a b": "1"}, "'a b' cannot be a header name; use letters, digits and hyphens"),
    ],
)
def test_a_value_out_of_range_is_refused_from_a_file_and_from_python(
    key: str, value: Any, complaint: str
) -> None:
    rule = {"body_delay": 0.1, key: value} | ({"status": 500} if key == "retry_after" else {})
    with pytest.raises(DocumentError) as from_file:
        faults_from([rule])
    with pytest.raises(ValueError, match="Fault") as from_python:
        Fault(**rule)
    for caught, place in ((from_file, "faults [0]."), (from_python, "Fault ")):
        assert str(caught.value).startswith(f"{place}{key}")
        assert complaint in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("value", ["1\r\nx-evil: 1", "1\n", "\x00"])
def test_a_header_of_a_fault_stays_on_its_line(value: str) -> None:
    with pytest.raises(DocumentError, match=r"x\.yaml:1 \[0\]\.headers\.x-extra: expected one line of text"):
        faults_from(*parse_document(json.dumps([{"headers": {"x-extra": value}}]), "x.yaml"))


def test_a_file_may_give_a_number_as_a_header() -> None:
    (rule,) = faults_from([{"headers": {"x-extra": 1}}])
    assert rule.headers == {"x-extra": "1"}


def test_a_rule_of_python_needs_an_effect_and_one_answer_as_well() -> None:
    with pytest.raises(ValueError, match="Fault: no effect; give one of: status"):
        Fault(provider="groq")
    with pytest.raises(ValueError, match=r"Fault drop: one answer only: there is status already"):
        Fault(status=500, drop="reset")


@pytest.mark.parametrize("form", ["faults:\n  - {status: 503, nth: 1}\n", "- {status: 503, nth: 1}\n"])
def test_a_fault_file_is_a_list_or_has_one(tmp_path: Path, form: str) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text(form)
    (rule,) = load_faults(file)
    assert (rule.status, rule.nth) == (503, 1)


def test_a_file_that_is_missing_or_broken_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "faults.yaml"
    with pytest.raises(DocumentError, match=r"faults\.yaml: cannot be read"):
        load_faults(broken)
    broken.write_text("a: [\n")
    with pytest.raises(DocumentError, match=r"faults\.yaml:2: not YAML"):
        load_faults(broken)
    with pytest.raises(DocumentError, match=r"x\.json:1: not JSON"):
        parse_document("{", "x.json")
