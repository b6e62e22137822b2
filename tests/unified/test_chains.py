"""Chains: which failures let the next model answer, and what is told of those that failed."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import pytest

import llm_forge
from llm_forge import (
    BadRequestError,
    BreakerSettings,
    ForgeError,
    Limit,
    ServerError,
    StreamInterruptedError,
    TriedModel,
)
from llm_forge.simulator import Fault, Simulator

from .kit import model


def chain(simulator: Simulator, **options: Any) -> llm_forge.LanguageModel:
    first = model(simulator, "openai", max_attempts=1, **options)
    return llm_forge.get_llm([first, model(simulator, "anthropic", max_attempts=1)])


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
def test_the_next_model_answers_when_a_provider_fails(simulator: Simulator, status: int, way: str) -> None:
    simulator.faults.add(Fault(provider="openai", status=status))

    async def later(llm: llm_forge.LanguageModel) -> llm_forge.Reply:
        async with llm:
            found = llm.ainvoke("say: hi") if way == "ainvoke" else llm.astream("say: hi").reply()
            return await found

    with chain(simulator) as llm:
        if way.startswith("a"):
            reply = asyncio.run(later(llm))
        else:
            reply = llm.invoke("say: hi") if way == "invoke" else llm.stream("say: hi").reply()
    assert (reply.text, reply.provider) == ("hi", "anthropic")
    assert [(one.provider, one.model, one.status) for one in reply.tried] == [
        ("openai", "gpt-4o-mini", status)
    ]


def test_a_request_that_is_wrong_is_wrong_for_all(simulator: Simulator) -> None:
    simulator.faults.add(Fault(provider="openai", status=400))
    with chain(simulator) as llm, pytest.raises(BadRequestError) as caught:
        llm.invoke("say: hi")
    assert caught.value.tried == ()
    assert caught.value.provider == "openai"


def test_an_error_carries_every_model_that_was_tried(simulator: Simulator) -> None:
    simulator.faults.add(Fault(provider="openai", status=503), Fault(provider="anthropic", status=529))
    with chain(simulator) as llm, pytest.raises(ServerError) as caught:
        llm.invoke("say: hi")
    error = caught.value
    assert (error.provider, error.status) == ("anthropic", 529)
    assert [(one.provider, one.kind) for one in error.tried] == [("openai", "UnavailableError")]
    assert all(isinstance(one, TriedModel) for one in error.tried)
    assert pickle.loads(pickle.dumps(error)).tried == error.tried  # noqa: S301 - our own bytes
    assert ForgeError.from_dict(error.to_dict()).tried == error.tried


@pytest.mark.requirement("R-080")
def test_a_stream_that_was_cut_after_its_first_piece_is_not_begun_again_elsewhere(
    simulator: Simulator,
) -> None:
    simulator.faults.add(Fault(provider="openai", cut={"events": 4, "end": "complete"}))
    with chain(simulator) as llm, pytest.raises(StreamInterruptedError) as caught:
        list(llm.stream("say: one two three four five"))
    assert caught.value.partial.text
    assert simulator.ledger.attempts("anthropic") == 0


def test_an_open_circuit_sends_calls_to_the_next_model_at_once(simulator: Simulator) -> None:
    simulator.faults.add(Fault(provider="openai", status=500))
    settings = BreakerSettings(min_outcomes=2)
    with chain(simulator, breaker=settings) as llm:
        kinds = [llm.invoke("say: hi").tried[0].kind for _ in range(4)]
    assert kinds == ["ServerError", "ServerError", "CircuitOpenError", "CircuitOpenError"]


def test_a_local_limit_sends_calls_to_the_next_model(simulator: Simulator) -> None:
    with chain(simulator, limits=[Limit("requests", 1, 3600)], max_limit_wait=0.01) as llm:
        first, second = llm.invoke("say: a"), llm.invoke("say: b")
    assert (first.provider, second.provider) == ("openai", "anthropic")
    assert second.tried[0].kind == "RateLimitWaitError"


def test_a_chain_is_of_models_that_can_all_do_what_is_asked(simulator: Simulator) -> None:
    with chain(simulator) as llm, pytest.raises(llm_forge.InvalidRequestError, match="anthropic"):
        llm.invoke("say: hi", seed=7)


def test_the_time_of_a_chain_is_for_all_its_models_together(simulator: Simulator) -> None:
    simulator.faults.add(Fault(provider="openai", delay=5.0))
    with chain(simulator) as llm, pytest.raises(ForgeError) as caught:
        llm.invoke("say: hi", timeout=0.2)
    assert caught.value.kind == "DeadlineExceededError"
    assert simulator.ledger.attempts("anthropic") == 0
