"""The simulator over plain HTTP: keys, errors, framing, limits, faults, ledger, determinism."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from llm_forge.simulator import DocumentError, Fault, Simulator

from .wire import KEYS, Answer, fetch, received

PATHS = {
    "anthropic": "/v1/messages",
    "openai": "/chat/completions",
    "groq": "/openai/v1/chat/completions",
    "mistral": "/v1/chat/completions",
}
MODELS = {
    "anthropic": "/v1/models",
    "openai": "/models",
    "groq": "/openai/v1/models",
    "mistral": "/v1/models",
}
PROVIDERS = list(PATHS)
CHATS = PROVIDERS[1:]
EPOCH = 1_800_000_000.0


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator(seed=1) as running:
        yield running


def body(provider: str, prompt: str = "Tell me about tides", **more: Any) -> dict[str, Any]:
    needed = {"max_tokens": 1000} if provider == "anthropic" else {}
    return {"model": "any-model", "messages": [{"role": "user", "content": prompt}], **needed, **more}


def ask(sim: Simulator, provider: str, prompt: str = "Tell me about tides", **more: Any) -> Answer:
    return fetch(sim.base_urls[provider] + PATHS[provider], body(provider, prompt, **more))


def text_of(provider: str, answer: Answer) -> str:
    if provider == "anthropic":
        return str(answer.json["content"][-1]["text"])
    return str(answer.json["choices"][0]["message"]["content"])


def streamed_text(provider: str, answer: Answer) -> str:
    if provider == "anthropic":
        return "".join(
            chunk["delta"].get("text", "")
            for chunk in answer.chunks
            if "content_block_delta" in chunk["type"]
        )
    deltas = (choice["delta"] for chunk in answer.chunks for choice in chunk["choices"])
    return "".join(delta.get("content") or "" for delta in deltas)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_text_is_the_same_whole_and_streamed(sim: Simulator, provider: str) -> None:
    whole, stream = ask(sim, provider), ask(sim, provider, stream=True)
    assert (whole.status, stream.status) == (200, 200)
    assert "tides" in text_of(provider, whole)
    assert streamed_text(provider, stream) == text_of(provider, whole)
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert len(stream.events) > 5


@pytest.mark.parametrize("provider", CHATS)
def test_a_chat_stream_ends_with_done(sim: Simulator, provider: str) -> None:
    events = ask(sim, provider, stream=True).events
    assert events[-1] == "data: [DONE]"
    assert all(event.startswith("data: ") for event in events)


def test_anthropic_names_its_events_and_sends_a_ping(sim: Simulator) -> None:
    events = ask(sim, "anthropic", stream=True).events
    names = [event.split("\n")[0].removeprefix("event: ") for event in events]
    assert names[:3] == ["message_start", "content_block_start", "ping"]
    assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert set(names[3:-3]) == {"content_block_delta"}


def test_usage_stands_where_each_vendor_puts_it(sim: Simulator) -> None:
    plain = ask(sim, "openai", stream=True).chunks
    assert not any("usage" in chunk for chunk in plain)
    asked = ask(sim, "openai", stream=True, stream_options={"include_usage": True}).chunks
    assert [chunk["usage"] is None for chunk in asked] == [True] * (len(asked) - 1) + [False]
    assert asked[-1]["choices"] == []
    groq = ask(sim, "groq", stream=True).chunks
    assert ("id" in groq[0]["x_groq"], "usage" in groq[-1]["x_groq"]) == (True, True)
    mistral = ask(sim, "mistral", stream=True).chunks
    assert ["usage" in chunk for chunk in mistral] == [False] * (len(mistral) - 1) + [True]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_usage_adds_up_and_the_ledger_agrees(provider: str) -> None:
    with Simulator() as sim:
        usage = ask(sim, provider).json["usage"]
        names = (
            ("input_tokens", "output_tokens")
            if provider == "anthropic"
            else ("prompt_tokens", "completion_tokens")
        )
        assert sim.ledger.wait_ended()
        totals = sim.ledger.totals(provider)
        assert [usage[name] for name in names] == [totals.input_tokens, totals.output_tokens]
        assert (totals.requests, totals.succeeded, totals.refused) == (1, 1, 0)
        assert totals.response_bytes > totals.request_bytes > 0


@pytest.mark.parametrize(
    ("provider", "pattern"),
    [
        ("anthropic", ("request-id", "req_011C", "msg_01")),
        ("openai", ("x-request-id", "req_", "chatcmpl-")),
        ("groq", ("x-request-id", "req_01", "chatcmpl-")),
        ("mistral", ("mistral-correlation-id", "019f", "")),
    ],
)
def test_identifiers_have_the_vendors_form(
    sim: Simulator, provider: str, pattern: tuple[str, str, str]
) -> None:
    header, request, own = pattern
    one, two = ask(sim, provider), ask(sim, provider)
    assert one.headers[header].startswith(request)
    assert one.headers[header] != two.headers[header]
    assert one.json["id"].startswith(own)
    assert one.json["id"] != two.json["id"]
    assert provider != "mistral" or len(one.json["id"]) == 32


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("key", ["", "invalid"])
def test_an_empty_or_invalid_key_is_refused(sim: Simulator, provider: str, key: str) -> None:
    headers = {"authorization": f"Bearer {key}", "anthropic-version": "2023-06-01"}
    answer = fetch(sim.base_urls[provider] + PATHS[provider], body(provider), headers)
    assert answer.status == 401
    if provider == "anthropic":
        assert answer.json["error"]["type"] == "authentication_error"
        assert answer.json["request_id"] == answer.headers["request-id"]
    elif provider == "mistral":
        assert answer.json == {"detail": "Invalid API Key"}
    else:
        assert answer.json["error"]["type"] == "invalid_request_error"


def test_anthropic_wants_its_version(sim: Simulator) -> None:
    answer = fetch(sim.base_urls["anthropic"] + "/v1/messages", body("anthropic"), {"x-api-key": "key"})
    assert (answer.status, answer.json["error"]["type"]) == (400, "invalid_request_error")
    assert "anthropic-version" in answer.json["error"]["message"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_missing_field_is_named_in_the_vendors_words(sim: Simulator, provider: str) -> None:
    given = body(provider)
    del given["messages"]
    answer = fetch(sim.base_urls[provider] + PATHS[provider], given)
    if provider == "mistral":
        assert answer.status == 422
        (detail,) = answer.json["detail"]
        assert (detail["type"], detail["loc"], detail["input"]) == ("missing", ["body", "messages"], given)
        return
    assert answer.status == 400
    error = answer.json["error"]
    assert (error["type"], "messages" in error["message"]) == ("invalid_request_error", True)
    if provider == "openai":
        assert (error["param"], error["code"]) == ("messages", "missing_required_parameter")


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": 99}, "temperature"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "nobody", "content": "x"}]}, "role"),
        ({"messages": "hello"}, "messages"),
    ],
)
def test_wrong_values_are_refused_and_named(
    sim: Simulator, provider: str, change: dict[str, Any], name: str
) -> None:
    answer = ask(sim, provider, **change)
    assert answer.status == (422 if provider == "mistral" else 400)
    assert name in answer.body.decode()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_unknown_models_routes_and_methods(sim: Simulator, provider: str) -> None:
    base = sim.base_urls[provider]
    assert ask(sim, provider, model="missing-model").status == (400 if provider == "mistral" else 404)
    assert fetch(base + MODELS[provider] + "/missing-model").status == (400 if provider == "mistral" else 404)
    assert fetch(base + "/v1/nonsense", {}).status == 404
    assert fetch(base + PATHS[provider]).status == 405


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("data", [b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000])
def test_a_body_that_is_not_an_object_is_refused(sim: Simulator, provider: str, data: bytes) -> None:
    answer = fetch(sim.base_urls[provider] + PATHS[provider], data)
    assert answer.status == (422 if provider == "mistral" else 400)


def test_a_body_that_is_too_large_is_413(sim: Simulator) -> None:
    data = b'{"x":"' + b"x" * (32 * 1024 * 1024) + b'"}'
    answer = fetch(sim.base_urls["anthropic"] + "/v1/messages", data)
    assert (answer.status, answer.json["error"]["type"]) == (413, "request_too_large")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_models_can_be_listed_and_got(sim: Simulator, provider: str) -> None:
    listed = fetch(sim.base_urls[provider] + MODELS[provider]).json["data"]
    got = fetch(f"{sim.base_urls[provider]}{MODELS[provider]}/{listed[0]['id']}").json
    assert got == listed[0]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_same_seed_and_requests_give_the_same_bytes(provider: str) -> None:
    def run() -> list[tuple[dict[str, str], bytes]]:
        with Simulator(seed=9, clock=lambda: EPOCH) as sim:
            answers = [
                ask(sim, provider),
                ask(sim, provider, stream=True),
                ask(sim, provider, model="missing-x"),
            ]
            return [(answer.headers, answer.body) for answer in answers]

    assert run() == run()


def test_another_seed_gives_other_texts_and_identifiers() -> None:
    with Simulator(seed=1) as one, Simulator(seed=2) as two:
        first, second = ask(one, "openai").json, ask(two, "openai").json
    assert first["id"] != second["id"]
    assert first["choices"] != second["choices"]


def test_choices_can_be_several_and_are_interleaved(sim: Simulator) -> None:
    whole = ask(sim, "openai", n=2).json["choices"]
    chunks = ask(sim, "openai", n=2, stream=True).chunks
    assert [choice["index"] for choice in whole] == [0, 1]
    assert [chunk["choices"][0]["index"] for chunk in chunks[:4]] == [0, 1, 0, 1]
    for index in (0, 1):
        deltas = [c["delta"] for chunk in chunks for c in chunk["choices"] if c["index"] == index]
        assert "".join(delta.get("content") or "" for delta in deltas) == whole[index]["message"]["content"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_limits_and_stop_sequences_end_an_answer(sim: Simulator, provider: str) -> None:
    cut = ask(sim, provider, "Write 100 words about bees", max_tokens=5).json
    stop = {"stop_sequences": ["STOP"]} if provider == "anthropic" else {"stop": ["STOP"]}
    stopped = ask(sim, provider, "say: one STOP two", **stop)
    assert text_of(provider, stopped) == "one "
    if provider == "anthropic":
        assert (cut["stop_reason"], cut["usage"]["output_tokens"]) == ("max_tokens", 5)
        assert (stopped.json["stop_reason"], stopped.json["stop_sequence"]) == ("stop_sequence", "STOP")
    else:
        assert (cut["choices"][0]["finish_reason"], cut["usage"]["completion_tokens"]) == ("length", 5)
        assert stopped.json["choices"][0]["finish_reason"] == "stop"


def test_anthropic_accounts_for_its_prompt_cache() -> None:
    with Simulator() as sim:
        system = [{"type": "text", "text": "Long rules " * 50, "cache_control": {"type": "ephemeral"}}]
        first, second = (ask(sim, "anthropic", system=system).json["usage"] for _ in range(2))
    size = first["cache_creation_input_tokens"]
    assert size > 50
    assert first["cache_read_input_tokens"] == 0
    assert (second["cache_creation_input_tokens"], second["cache_read_input_tokens"]) == (0, size)
    assert first["input_tokens"] == second["input_tokens"]


class Clock:
    def __init__(self) -> None:
        self.now = EPOCH

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_empty_bucket_answers_429_and_refills_with_time(provider: str) -> None:
    clock = Clock()
    with Simulator(limits={provider: {"requests": 2}}, clock=clock) as sim:
        statuses = [ask(sim, provider).status for _ in range(3)]
        refused = ask(sim, provider)
        wait = int(refused.headers["retry-after"])
        clock.now += wait
        after = ask(sim, provider).status
        assert sim.ledger.totals(provider).refused == 2
    assert (statuses, refused.status, after) == ([200, 200, 429], 429, 200)
    assert wait == (43_200 if provider == "groq" else 30)


@pytest.mark.parametrize(
    ("provider", "limit", "remaining"),
    [
        ("anthropic", "anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining"),
        ("openai", "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests"),
        ("groq", "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests"),
        ("mistral", "x-ratelimit-limit-req-minute", "x-ratelimit-remaining-req-minute"),
    ],
)
def test_rate_headers_come_from_the_buckets(provider: str, limit: str, remaining: str) -> None:
    with Simulator(limits={provider: {"requests": 10}}, clock=lambda: EPOCH) as sim:
        headers = [ask(sim, provider).headers for _ in range(2)]
    assert [(one[limit], one[remaining]) for one in headers] == [("10", "9"), ("10", "8")]


def test_resets_have_each_vendors_form() -> None:
    with Simulator(limits={name: {"tokens": 6000} for name in PROVIDERS}, clock=lambda: EPOCH) as sim:
        used = sum(ask(sim, "anthropic").json["usage"][name] for name in ("input_tokens", "output_tokens"))
        anthropic = ask(sim, "anthropic").headers["anthropic-ratelimit-tokens-reset"]
        assert ask(sim, "openai").headers["x-ratelimit-reset-tokens"].endswith("ms")
        assert "x-ratelimit-tokens-query-cost" in ask(sim, "mistral").headers
    assert 0 < used < 300
    assert anthropic.startswith("2027-01-15T08:00:0")


def test_a_request_that_never_fits_is_413_at_groq() -> None:
    with Simulator(limits={"groq": {"tokens": 5}}) as sim:
        answer = ask(sim, "groq")
    assert (answer.status, answer.json["error"]["code"]) == (413, "rate_limit_exceeded")
    assert "retry-after" not in answer.headers


def test_an_unknown_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="groq has no limit 'request'"):
        Simulator(limits={"groq": {"request": 1}})


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


def test_an_abandoned_stream_is_in_the_ledger() -> None:
    with Simulator(pacing=0.005) as sim:
        connection = http.client.HTTPConnection("127.0.0.1", sim.server.port)
        data = json.dumps(body("groq", "Write 500 words about bees", stream=True))
        connection.request("POST", "/groq/openai/v1/chat/completions", data, KEYS)
        response = connection.getresponse()
        assert response.read(10)
        response.close()
        connection.close()
        assert sim.ledger.wait_ended()
        assert sim.ledger.totals("groq").abandoned == 1
        assert sim.ledger.entries[0].outcome == "client-closed"


def test_it_is_steered_over_http(sim: Simulator) -> None:
    with Simulator() as own:
        added = fetch(f"{own.url}/_forge/faults", [{"status": 500}])
        assert (added.status, added.json) == (200, {"added": 1})
        assert ask(own, "openai").status == 500
        assert fetch(f"{own.url}/_forge/faults", method="DELETE").status == 204
        assert ask(own, "openai").status == 200
        ledger = fetch(f"{own.url}/_forge/ledger").json
        assert ledger["totals"]["openai chat.completions.create"]["requests"] == 2
        assert fetch(f"{own.url}/_forge/ledger", method="DELETE").status == 204
        assert own.ledger.attempts() == 0
        wrong = fetch(f"{own.url}/_forge/faults", [{"stauts": 500}])
        assert (wrong.status, "did you mean status?" in wrong.json["error"]["message"]) == (400, True)
        assert fetch(f"{own.url}/nobody/v1").status == 404


def test_the_environment_has_the_vendors_variables(sim: Simulator) -> None:
    environment = sim.environment()
    assert len(environment) == 8
    assert environment["OPENAI_BASE_URL"] == f"{sim.url}/openai/v1"
    assert environment["ANTHROPIC_BASE_URL"] == f"{sim.url}/anthropic"
    assert environment["GROQ_API_KEY"]


def test_it_leaves_nothing_behind() -> None:
    before = set(threading.enumerate())
    for _ in range(3):
        with Simulator() as sim:
            assert ask(sim, "mistral").status == 200
    assert set(threading.enumerate()) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_serves_until_it_is_told_to_stop(number: int) -> None:
    program = "from llm_forge.simulator import *; s = Simulator().start(); print(s.url, flush=True); run(s)"
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, env=os.environ, text=True
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert fetch(f"{url}/_forge/ledger").status == 200
    process.send_signal(number)
    assert process.wait(10) == 0
    process.stdout.close()
