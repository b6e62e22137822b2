"""Replies and rules from files: what they mean, and what is said about mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_forge.simulator import (
    DocumentError,
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
    ],
)
def test_a_wrong_rule_is_named(rule: object, complaint: str) -> None:
    with pytest.raises(DocumentError) as caught:
        faults_from([rule])
    assert str(caught.value).startswith(complaint)
    assert len(str(caught.value).splitlines()) <= 3


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
