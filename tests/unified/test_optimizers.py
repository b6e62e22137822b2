"""Optimizers change requests only where somebody asked for it, show what they changed, and give way."""

from __future__ import annotations

from typing import Any

import pytest

from llm_forge import BadRequestError, RateLimitError, Reply
from llm_forge.simulator import Fault, Simulator
from llm_forge.unified.optimizers import CacheStructure, JsonMode, Seed

from .kit import model, unanswered

LONG = "static " * 1000


def test_a_seed_is_set_where_there_is_none_and_the_api_has_one() -> None:
    for provider, name in (("openai", "seed"), ("mistral", "random_seed")):
        explained = unanswered(provider, optimize=[Seed(7)]).explain("hi")
        assert explained.request[name] == 7
        (change,) = explained.optimizations[0].changes
        assert (change.path, change.before, change.after) == (name, None, 7)
    assert unanswered("openai", optimize=[Seed(7)]).explain("hi", seed=1).optimizations == ()
    assert unanswered("anthropic", optimize=[Seed(7)]).explain("hi").optimizations == ()


def test_json_mode_is_for_prompts_that_speak_of_json() -> None:
    llm = unanswered("openai", optimize=[JsonMode()])
    assert llm.explain("Answer in JSON.").request["response_format"] == {"type": "json_object"}
    assert "response_format" not in llm.explain("Answer.").request
    assert llm.explain("JSON", schema={"type": "object"}).request["response_format"]["type"] == "json_schema"


def test_the_static_part_of_a_long_prompt_is_marked_for_the_cache() -> None:
    llm = unanswered("anthropic", optimize=[CacheStructure()])
    explained = llm.explain("hi", system=LONG)
    (block,) = explained.request["system"]
    assert block == {"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}
    assert llm.explain("hi", system="short").optimizations == ()
    assert unanswered("openai", optimize=[CacheStructure()]).explain("hi", system=LONG).optimizations == ()


def test_a_marker_divides_a_prompt_and_is_removed_even_if_the_part_is_too_short() -> None:
    llm = unanswered("anthropic", optimize=[CacheStructure()])
    static, rest = llm.explain(f"{LONG}<!-- cache -->today").request["messages"][0]["content"]
    assert (static["text"], static["cache_control"]) == (LONG, {"type": "ephemeral"})
    assert rest == {"type": "text", "text": "today"}
    assert "cache" not in str(llm.explain("short<!-- cache -->today").request)


def test_your_own_marks_are_left_alone() -> None:
    system = {"type": "text", "text": LONG, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    assert (
        unanswered("anthropic", optimize=[CacheStructure()]).explain("hi", system=system).optimizations == ()
    )


def test_what_the_cache_gave_is_reported(simulator: Simulator) -> None:
    with model(simulator, "anthropic", optimize=[CacheStructure()]) as llm:
        first, second = (llm.invoke("say: hi", system=LONG) for _ in range(2))
    assert first.usage is not None
    assert second.usage is not None
    assert first.usage.cache_written == second.usage.cached > 0  # type: ignore[operator]
    assert first.usage.input == second.usage.input
    assert [one.name for one in second.optimizations] == ["cache"]
    assert first.cost is not None
    assert second.cost is not None
    assert second.cost.total < first.cost.total


class Refused:
    name = "refused"

    def optimize(self, request: dict[str, Any], target: Any) -> dict[str, Any]:
        return {**request, "temperature": 99}


class Broken:
    name = "broken"

    def optimize(self, request: dict[str, Any], target: Any) -> dict[str, Any]:
        request.clear()
        raise ZeroDivisionError


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_a_refused_optimised_request_is_sent_plain(simulator: Simulator, way: str) -> None:
    with model(simulator, "openai", optimize=[Refused()]) as llm:
        reply: Reply = llm.invoke("say: hi") if way == "invoke" else llm.stream("say: hi").reply()
    assert (reply.text, reply.optimizations, reply.tried) == ("hi", (), ())
    assert simulator.ledger.attempts("openai") == 2


def test_an_optimizer_that_raises_is_left_out(simulator: Simulator) -> None:
    with model(simulator, "openai", optimize=[Broken(), Seed(1)]) as llm:
        assert [one.name for one in llm.invoke("say: hi").optimizations] == ["seed"]


def test_only_a_refusal_of_the_request_is_answered_with_the_plain_one(simulator: Simulator) -> None:
    simulator.faults.add(Fault(provider="openai", status=429, times=1))
    with model(simulator, "openai", optimize=[Seed(1)], max_attempts=1) as llm:
        with pytest.raises(RateLimitError):
            llm.invoke("say: hi")
        simulator.faults.add(Fault(provider="openai", status=400))
        with pytest.raises(BadRequestError):
            llm.invoke("say: hi")
    assert simulator.ledger.attempts("openai") == 3
