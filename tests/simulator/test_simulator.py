"""The simulator as a whole: determinism, ledger, steering, lifetime."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from llm_forge.simulator import Simulator

from .ask import EPOCH, PROVIDERS, ask, body
from .wire import KEYS, fetch


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


def test_it_is_steered_over_http() -> None:
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


def test_the_environment_has_the_vendors_variables() -> None:
    with Simulator() as sim:
        environment, url = sim.environment(), sim.url
    assert len(environment) == 8
    assert environment["OPENAI_BASE_URL"] == f"{url}/openai/v1"
    assert environment["ANTHROPIC_BASE_URL"] == f"{url}/anthropic"
    assert environment["GROQ_API_KEY"]


def test_it_leaves_nothing_behind() -> None:
    before = set(threading.enumerate())
    for _ in range(3):
        with Simulator() as sim:
            assert ask(sim, "mistral").status == 200
    assert set(threading.enumerate()) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_serves_until_it_is_told_to_stop(number: int) -> None:
    program = (
        "from llm_forge.simulator import *\n"
        "run(Simulator(), announce=lambda simulator: print(simulator.url, flush=True))"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert fetch(f"{url}/_forge/ledger").status == 200
        process.send_signal(number)
        assert process.wait(10) == 0


def test_an_unknown_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="groq has no limit 'request'"):
        Simulator(limits={"groq": {"request": 1}})
