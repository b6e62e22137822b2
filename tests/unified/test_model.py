"""One vocabulary for four providers, against the simulator."""

from __future__ import annotations

import pytest

import llm_forge
from llm_forge import ConfigError, StreamInterruptedError
from llm_forge.simulator import Fault, Simulator
from llm_forge.unified import model_name, provider_names

from .kit import PROVIDERS, model


def test_every_client_has_a_name() -> None:
    assert provider_names() == ("anthropic", "groq", "mistral", "openai")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("anthropic/claude", ("anthropic", "claude")),
        ("openai:gpt-4o", ("openai", "gpt-4o")),
        ("groq/openai/gpt-oss-20b", ("groq", "openai/gpt-oss-20b")),
        ("openai:ft:gpt-4o:me", ("openai", "ft:gpt-4o:me")),
    ],
)
def test_a_name_is_provider_and_model(name: str, parts: tuple[str, str]) -> None:
    assert model_name(name) == parts


@pytest.mark.parametrize(
    ("name", "hint"), [("gpt-4", "provider"), ("opnai/x", "openai"), ("openai/", "provider")]
)
def test_a_wrong_name_says_what_is_expected(name: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=hint):
        llm_forge.get_llm(name)


@PROVIDERS
def test_a_reply_has_text_reason_usage_and_the_raw_answer(simulator: Simulator, provider: str) -> None:
    with model(simulator, provider) as llm:
        reply = llm.invoke("say: a short answer")
    assert reply.text == "a short answer"
    assert reply.finish_reason == "stop"
    assert reply.raw_finish_reason in ("stop", "end_turn")
    assert reply.usage is not None
    assert reply.usage.input > 0
    assert reply.usage.total == reply.usage.input + reply.usage.output
    assert reply.raw["model"] == reply.model
    assert (reply.provider, reply.attempts) == (provider, 1)
    assert reply.request_id


@PROVIDERS
def test_pieces_add_up_to_the_whole_answer(simulator: Simulator, provider: str) -> None:
    with model(simulator, provider) as llm:
        pieces = [
            piece.text
            for piece in llm.stream(
                [{"role": "user", "content": "say: one two three four five six seven eight"}]
            )
        ]
    assert len(pieces) > 1
    assert "".join(pieces) == "one two three four five six seven eight"


@PROVIDERS
def test_max_tokens_cuts_the_answer_whatever_the_api_calls_it(simulator: Simulator, provider: str) -> None:
    with model(simulator, provider) as llm:
        reply = llm.invoke("say: one two three four five six seven eight nine ten", max_tokens=3)
    assert reply.finish_reason == "length"
    assert 0 < len(reply.text) < 30


@PROVIDERS
def test_an_interrupted_stream_is_an_error_with_what_arrived(simulator: Simulator, provider: str) -> None:
    simulator.faults.add(Fault(provider=provider, cut={"events": 5, "end": "complete"}, times=1))
    with model(simulator, provider) as llm:
        heard: list[str] = []
        with pytest.raises(StreamInterruptedError) as caught:
            heard.extend(piece.text for piece in llm.stream("say: one two three four five six seven"))
    assert caught.value.partial.text == "".join(heard) != ""
    assert caught.value.partial.finish_reason is None
