"""One cheap call that tells whether the provider answers, and never raises for what it does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from llm_forge import AsyncMistral, ClientClosedError, ConfigError, ConnectError, Groq, Health, OpenAI
from llm_forge.core.breaker import BreakerSettings
from llm_forge.core.profile import Probe
from llm_forge.runtime.scripted import Answer
from llm_forge.simulator import Fault, Simulator
from tests.runtime.kit import PROFILE, Acme, client, failed, ok


class Checked(Acme):
    profile = replace(PROFILE, health=Probe("models.list", "/models", "models"))


def checked(*answers: Answer | BaseException, **options: Any) -> Checked:
    return Checked(api_key="canary-key", transport=client(*answers).world, **options)


def test_a_provider_that_answers_is_healthy_and_what_is_known_comes_along() -> None:
    answer = ok(
        x_ratelimit_limit_requests="10", x_ratelimit_remaining_requests="3", x_ratelimit_reset_requests="5s"
    )
    answer.delay = 0.25
    acme = checked(answer)
    health = acme.health_check()
    assert (health.ok, health.latency, health.error, health.status) == (True, 0.25, None, None)
    assert health.circuits == {"models": "closed"}
    assert [one.remaining for families in health.limits.values() for one in families] == [3]
    (request,) = acme.world.requests
    assert (request.method, request.url) == ("GET", "https://api.acme.test/v1/models")


@pytest.mark.parametrize(
    ("answer", "error", "status"),
    [
        (failed(401), "AuthenticationError", 401),
        (failed(429), "RateLimitError", 429),
        (failed(503), "UnavailableError", 503),
        (ConnectError("refused"), "ConnectError", None),
        (Answer(200, [("content-type", "text/html")], [b"<html>portal</html>"]), "InvalidResponseError", 200),
        (Answer(200, delay=99.0), "DeadlineExceededError", None),
    ],
)
def test_what_goes_wrong_is_reported_once_and_not_raised(answer: Any, error: str, status: int | None) -> None:
    acme = checked(answer, ok())
    health = acme.health_check(timeout=5)
    assert (health.ok, health.error, health.status) == (False, error, status)
    assert health.message
    assert "canary-key" not in repr(health)
    assert len(acme.world.requests) == 1  # a check is not repeated
    assert health.latency <= 5


def test_an_open_circuit_is_told_without_a_request() -> None:
    acme = checked(failed(500), ok(), breaker=BreakerSettings(min_outcomes=1))
    acme.health_check()
    health = acme.health_check()
    assert (health.ok, health.error) == (False, "CircuitOpenError")
    assert health.circuits == {"models": "open"}
    assert len(acme.world.requests) == 1


def test_mistakes_of_the_caller_are_raised() -> None:
    with pytest.raises(ConfigError, match="timeout"):
        checked(ok()).health_check(timeout=-1)
    with pytest.raises(ConfigError, match="health"):
        client(ok()).health_check()


def test_every_client_has_it_and_a_closed_one_says_so() -> None:
    with Simulator(seed=3) as simulator:
        urls = simulator.base_urls
        simulator.faults.add(Fault(provider="openai", status=503, times=1))
        with OpenAI(api_key="k", base_url=urls["openai"]) as llm:
            health = llm.health_check()
            assert (health.ok, health.error, health.status) == (False, "UnavailableError", 503)
            assert llm.health_check().ok
        groq = Groq(api_key="k", base_url=urls["groq"])
        assert groq.health_check().ok
        groq.close()
        with pytest.raises(ClientClosedError):
            groq.health_check()

        async def main() -> Health:
            async with AsyncMistral(api_key="k", base_url=urls["mistral"]) as llm:
                return await llm.health_check()

        assert asyncio.run(main()).ok
