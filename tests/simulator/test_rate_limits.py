"""Rate limits of the simulator with an injected clock."""

from __future__ import annotations

import pytest

from llm_forge.simulator import Simulator

from .ask import EPOCH, PROVIDERS, ask


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
