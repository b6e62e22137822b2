"""ST-04: a stream cut at every byte is never taken for a whole one, and its partial text is exact."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm_forge.core.accumulate import Accumulator, accumulator
from llm_forge.core.codec import decode
from llm_forge.core.framing import RawEvent
from llm_forge.core.profile import Family
from llm_forge.core.sse import SseDecoder


def chat(delta: dict[str, Any], finish: str | None = None) -> str:
    data = {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


def block(kind: str, **fields: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields}, ensure_ascii=False)}\n\n"


CHAT = (
    chat({"role": "assistant", "content": ""})
    + chat({"content": "Hel"})
    + chat({"content": "lo €"})
    + chat({}, "stop")
    + "data: [DONE]\n\n"
).encode()
BLOCKS = (
    block("message_start", message={"id": "m", "content": [], "stop_reason": None})
    + block("content_block_start", index=0, content_block={"type": "text", "text": ""})
    + block("content_block_delta", index=0, delta={"type": "text_delta", "text": "Hel"})
    + block("content_block_delta", index=0, delta={"type": "text_delta", "text": "lo €"})
    + block("content_block_stop", index=0)
    + block("message_delta", delta={"stop_reason": "end_turn"}, usage={})
    + block("message_stop")
).encode()


def take(made: Accumulator, event: RawEvent) -> None:
    made.add(event.event, None if made.is_sentinel(event.data) else decode(event.data.encode()))


def read(family: Family, body: bytes) -> tuple[Accumulator, str]:
    """The accumulator after `body`, and the text that its events carried."""
    made, decoder, text = accumulator(family), SseDecoder(), ""
    events = decoder.feed(body)
    rest = decoder.finish()
    if rest is not None and made.is_terminal(rest.event, rest.data):
        events.append(rest)
    for event in events:
        take(made, event)
        text += "" if made.is_sentinel(event.data) else made.text_of(event.event, decode(event.data.encode()))
    return made, text


def text_in(partial: dict[str, Any]) -> str:
    if "choices" in partial:
        return "".join(choice["message"].get("content") or "" for choice in partial["choices"])
    return "".join(part["text"] for part in partial.get("content", []))


@pytest.mark.requirement("R-144")
@pytest.mark.parametrize(("family", "body"), [("chat-completion", CHAT), ("block-event", BLOCKS)])
def test_st_04_a_stream_cut_at_any_byte_is_whole_only_after_its_completion(
    family: Family, body: bytes
) -> None:
    finished = body.rindex(b'stop"', 0, body.index(b"[DONE]")) if family == "chat-completion" else 0
    decided = body.index(b"\n\n", finished or body.index(b"end_turn")) + 2
    terminal = body.index(b"[DONE]") + 6 if family == "chat-completion" else len(body) - 2
    for cut in range(len(body) + 1):
        made, text = read(family, body[:cut])
        expected = None if cut < decided else "inferred" if cut < terminal else "explicit"
        assert made.ending() == expected, cut
        assert text_in(made.partial()) == text
        assert "Hello €".startswith(text)
        if expected:
            assert text_in(made.result()) == "Hello €"


@pytest.mark.requirement("R-146")
def test_a_block_cut_in_the_middle_says_that_it_is_not_complete() -> None:
    made, text = read("block-event", BLOCKS[: BLOCKS.index(b"content_block_stop")])
    assert made.partial()["content"] == [{"type": "text", "text": text, "complete": False}]
