"""Conversations in every form that users write, as each API gets them."""

from __future__ import annotations

from typing import Any

import pytest

import llm_forge as forge
from llm_forge import InvalidRequestError
from llm_forge.simulator import Simulator
from llm_forge.unified import Thinking
from llm_forge.unified.messages import messages_of

from .kit import PROVIDERS, model, unanswered

PNG = "iVBORw0KGgo="
PDF = b"%PDF-1.4 small"
CALL_ID = "call00001"  # of a form that every API takes


def sent(provider: str, prompt: Any, **parameters: Any) -> dict[str, Any]:
    with unanswered(provider) as llm:
        return dict(llm.explain(prompt, **parameters).request)


OPENAI_HISTORY = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Weather?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": CALL_ID,
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city":"Rome"}'},
            }
        ],
    },
    {"role": "tool", "tool_call_id": CALL_ID, "content": "sunny"},
]
ANTHROPIC_HISTORY = [
    {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
    {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": CALL_ID, "name": "weather", "input": {"city": "Rome"}}],
    },
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": CALL_ID, "content": "sunny"}]},
]


def test_a_history_of_openai_is_understood_by_anthropic() -> None:
    body = sent("anthropic", OPENAI_HISTORY)
    assert body["system"] == "Be brief."
    assert body["messages"] == [
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": CALL_ID, "name": "weather", "input": {"city": "Rome"}}],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": CALL_ID, "content": "sunny"}],
        },
    ]


@pytest.mark.parametrize("provider", ["groq", "mistral", "openai"])
def test_a_history_of_anthropic_is_understood_by_the_others(provider: str) -> None:
    user, assistant, result = sent(provider, ANTHROPIC_HISTORY)["messages"]
    assert user == {"role": "user", "content": "Weather?"}
    assert assistant["tool_calls"][0]["function"] == {"name": "weather", "arguments": '{"city": "Rome"}'}
    assert result == {"role": "tool", "tool_call_id": CALL_ID, "content": "sunny"}


def test_results_of_parallel_calls_stand_in_one_message_for_anthropic() -> None:
    body = sent("anthropic", ["hi", forge.tool("a", "1"), forge.tool("b", {"x": 2}, is_error=True)])
    assert [one["role"] for one in body["messages"]] == ["user", "user"]
    first, second = body["messages"][1]["content"]
    assert (first["tool_use_id"], second["tool_use_id"], second["is_error"]) == ("a", "b", True)
    assert second["content"] == '{"x": 2}'


@pytest.mark.requirement("R-014")
@PROVIDERS
def test_parts_and_fields_of_tomorrow_go_out_as_they_are(provider: str) -> None:
    part = {"type": "hologram", "beam": [1, 2]}
    body = sent(provider, [{"role": "user", "content": [part, "look"], "mood": "curious"}])
    assert body["messages"][0]["content"][0] == part
    assert body["messages"][0]["mood"] == "curious"


@pytest.mark.parametrize("provider", ["anthropic", "mistral", "openai"])
def test_images_and_files_go_out_in_each_apis_form(
    simulator: Simulator, provider: str, tmp_path: Any
) -> None:
    path = tmp_path / "paper.pdf"
    path.write_bytes(PDF)
    message = forge.user("What is this?", forge.image(b"\x89PNG", media_type="image/png"), forge.file(path))
    content = sent(provider, [message])["messages"][0]["content"]
    assert [part["type"] for part in content] == {
        "anthropic": ["text", "image", "document"],
        "mistral": ["text", "image_url", "document_url"],
        "openai": ["text", "image_url", "file"],
    }[provider]
    assert "paper.pdf" in str(content[2])
    with model(simulator, provider) as llm:
        assert llm.invoke([message]).text


def test_an_image_of_one_api_is_understood_by_another() -> None:
    of_openai = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    of_anthropic = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    for provider, wanted in (("anthropic", of_anthropic), ("openai", of_openai)):
        for part in (of_openai, of_anthropic):
            body = sent(provider, [{"role": "user", "content": [part]}])
            assert body["messages"][0]["content"] == [wanted]


@pytest.mark.parametrize(
    ("provider", "part", "culprit"),
    [("groq", forge.file(PDF), "file"), ("openai", forge.file("https://example.test/a.pdf"), "url")],
)
def test_files_that_an_api_does_not_take_are_refused_by_name(provider: str, part: Any, culprit: str) -> None:
    with pytest.raises(InvalidRequestError, match=culprit):
        sent(provider, [forge.user("Read", part)])


@pytest.mark.requirement("R-243")
def test_a_url_is_handed_to_the_provider_and_never_fetched() -> None:
    url = "http://169.254.169.254/latest/meta-data"
    assert url in str(sent("anthropic", [forge.user(forge.image(url))]))


def test_thoughts_go_back_to_the_provider_they_came_from_and_to_no_other(simulator: Simulator) -> None:
    with model(simulator, "anthropic") as llm:
        reply = llm.invoke("hello", thinking=True)
        assert reply.thinking
        assert isinstance(reply.message.parts[0], Thinking)
        body = llm.explain(["hello", reply, "more"]).request
        assert body["messages"][1]["content"][0] == reply.raw.to_dict()["content"][0]
        assert llm.invoke(["hello", reply, "more"], thinking="low").text
    assert sent("openai", ["hello", reply, "more"])["messages"][1] == {
        "role": "assistant",
        "content": reply.text,
    }


def test_thinking_is_streamed_apart_from_the_text(simulator: Simulator) -> None:
    with model(simulator, "anthropic") as llm:
        stream = llm.stream("hello", thinking=2000)
        pieces = list(stream)
        reply = stream.reply()
    assert "".join(piece.thinking for piece in pieces) == reply.thinking != ""
    assert "".join(piece.text for piece in pieces) == reply.text != ""


@pytest.mark.parametrize("prompt", [[], [7], [{"content": "x"}], [{"role": "ghost", "content": "x"}], 7])
def test_what_is_no_prompt_is_refused(prompt: Any) -> None:
    with pytest.raises(InvalidRequestError):
        messages_of(prompt)


def test_ids_of_tool_calls_take_the_form_that_the_api_insists_on(simulator: Simulator) -> None:
    def ids(provider: str, call_id: str) -> tuple[str, str]:
        call = forge.ToolCall(call_id, "add", {"a": 1}, '{"a": 1}')
        prompt = ["add", forge.assistant(tool_calls=[call]), forge.tool(call, "2")]
        with model(simulator, provider) as llm:
            assert "2" in llm.invoke(prompt).text
        _, asked, answered = sent(provider, prompt)["messages"]
        return asked["tool_calls"][0]["id"], answered["tool_call_id"]

    assert ids("openai", "toolu_01") == ("toolu_01", "toolu_01")
    assert ids("mistral", "D681PevKs") == ("D681PevKs", "D681PevKs")
    asked, answered = ids("mistral", "toolu_01")
    assert asked == answered
    assert asked != ids("mistral", "toolu_02")[0]
