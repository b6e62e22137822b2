"""Faults of the simulator: who is hit, and what arrives."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from llm_forge.simulator import DocumentError, Fault, Simulator

from .ask import PROVIDERS, ask, body
from .wire import fetch, received


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_fault_can_answer_with_a_status_of_the_vendor(provider: str) -> None:
    rule = {"status": 429, "retry_after": 7, "nth": 1}
    with Simulator(faults=[rule]) as sim:
        first, second = ask(sim, provider), ask(sim, provider)
        entries = sim.ledger.entries
    assert (first.status, first.headers["retry-after"], second.status) == (429, "7", 200)
    assert "error" in first.json or first.json["object"] == "error"
    assert [entry.fault for entry in entries] == ["status", ""]
    assert entries[0].output_tokens == 0


def test_faults_select_by_provider_operation_path_model_and_kind() -> None:
    rules = [
        {"provider": "groq", "status": 500},
        {"operation": "models.list", "status": 501},
        {"path": "/v1/models/*", "status": 502},
        {"model": "gpt-*", "stream": True, "status": 503},
    ]
    with Simulator(faults=rules) as sim:
        assert ask(sim, "groq").status == 500
        assert fetch(sim.base_urls["mistral"] + "/v1/models").status == 501
        assert fetch(sim.base_urls["openai"] + "/models/x").status == 502
        assert [ask(sim, "openai", model="gpt-5", stream=stream).status for stream in (True, False)] == [
            503,
            200,
        ]


def test_faults_count_their_matches() -> None:
    def statuses(**rule: Any) -> list[int]:
        with Simulator(faults=[Fault(status=500, **rule)]) as sim:
            return [ask(sim, "openai").status for _ in range(6)]

    assert statuses(nth=[1, 3]) == [500, 200, 500, 200, 200, 200]
    assert statuses(every=3) == [200, 200, 500, 200, 200, 500]
    assert statuses(times=2) == [500, 500, 200, 200, 200, 200]
    some = statuses(probability=0.5)
    assert set(some) == {200, 500}
    assert some == statuses(probability=0.5)


def stream_with(rule: dict[str, Any], provider: str = "openai") -> tuple[list[str], list[str]]:
    with Simulator() as sim:
        whole = ask(sim, provider, stream=True)
    with Simulator(faults=[rule]) as sim:
        return whole.events, ask(sim, provider, stream=True).events


def test_a_fault_can_spoil_a_stream() -> None:
    whole, spoiled = stream_with({"omit_terminal": True})
    assert spoiled == whole[:-1]
    whole, spoiled = stream_with({"cut": {"events": 3, "end": "complete"}})
    assert spoiled == whole[:3]
    whole, spoiled = stream_with({"duplicate": 2})
    assert spoiled == [*whole[:2], whole[1], *whole[2:]]
    whole, spoiled = stream_with({"unknown_event": 1})
    assert (spoiled[0], spoiled[2:]) == (whole[0], whole[1:])
    assert "forge_unknown" in spoiled[1]
    whole, spoiled = stream_with({"split": 1})
    assert spoiled == whole


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_fault_can_fail_inside_a_stream(provider: str) -> None:
    rule = {"error_event": {"after": 3, "type": "overloaded_error", "message": "Overloaded"}}
    whole, spoiled = stream_with(rule, provider)
    assert spoiled[:3] == whole[:3]
    assert len(spoiled) == 4
    assert "overloaded_error" in spoiled[3]


@pytest.mark.parametrize(("how", "seen"), [("reset", "reset"), ("close", "closed")])
def test_a_fault_can_drop_or_cut_the_connection(how: str, seen: str) -> None:
    data = json.dumps(body("openai", stream=True)).encode()
    head = "POST /openai/v1/chat/completions HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer k\r\n"
    request = f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data
    with Simulator(faults=[{"drop": how, "nth": 1}, {"cut": {"bytes": 100, "end": how}}]) as sim:
        assert received(sim.server.port, request) == (b"", seen)
        got, end = received(sim.server.port, request)
    assert end == seen
    assert b"0\r\n\r\n" not in got
    assert got.startswith(b"HTTP/1.1 200 OK")


def test_a_fault_can_be_a_proxy_or_a_script() -> None:
    rules = [{"proxy_error": 502, "nth": 1}, {"reply": {"status": 200, "text": "hi"}, "nth": 2}]
    with Simulator(faults=rules) as sim:
        page, script = ask(sim, "openai"), ask(sim, "openai")
    assert (page.status, page.headers["content-type"], page.body[:6]) == (502, "text/html", b"<html>")
    assert (script.status, script.body) == (200, b"hi")
    assert set(script.headers) == {"content-type", "content-length"}


def test_a_fault_can_change_headers_and_delay() -> None:
    rule = {"content_type": "text/html", "headers": {"x-extra": "1"}, "delay": 0.02}
    with Simulator(faults=[rule]) as sim:
        begun = time.monotonic()
        answer = ask(sim, "anthropic")
        assert time.monotonic() - begun >= 0.02
    assert (answer.headers["content-type"], answer.headers["x-extra"], answer.status) == (
        "text/html",
        "1",
        200,
    )


def test_a_wrong_rule_stops_the_simulator_before_it_starts() -> None:
    with pytest.raises(DocumentError, match=r"faults \[0\]\.stauts: unknown key; did you mean status\?"):
        Simulator(faults=[{"stauts": 500}])


def test_rules_can_be_added_while_it_runs() -> None:
    with Simulator() as sim:
        sim.inject({"status": 503, "times": 1})
        sim.inject(Fault(status=500, provider="groq"))
        assert [ask(sim, "openai").status for _ in range(2)] == [503, 200]
        assert ask(sim, "groq").status == 500
        sim.faults.clear()
        assert ask(sim, "groq").status == 200


@pytest.mark.requirement("R-068")
@pytest.mark.parametrize(
    ("status", "advice"), [(400, "false"), (403, "false"), (429, "true"), (500, None), (529, None)]
)
def test_anthropic_forbids_to_repeat_only_what_the_client_did_wrong(status: int, advice: str | None) -> None:
    with Simulator(faults=[{"status": status}]) as sim:
        answer = ask(sim, "anthropic")
    assert (answer.status, answer.headers.get("x-should-retry")) == (status, advice)


def test_an_error_of_the_vendor_can_be_spoiled_too() -> None:
    rule = {"status": 503, "retry_after": 2, "content_type": "text/html", "headers": {"x-extra": "1"}}
    with Simulator(faults=[rule]) as sim:
        answer = ask(sim, "openai")
        entry = sim.ledger.entries[0]
    assert (answer.headers["content-type"], answer.headers["x-extra"], answer.headers["retry-after"]) == (
        "text/html",
        "1",
        "2",
    )
    assert entry.fault == "status headers content_type"


def test_the_ledger_names_an_unknown_event_before_the_first() -> None:
    with Simulator(faults=[Fault(unknown_event=0)]) as sim:
        events = ask(sim, "openai", stream=True).events
        assert "forge_unknown" in events[0]
        assert sim.ledger.entries[0].fault == "unknown_event"
