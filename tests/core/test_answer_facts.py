"""The facts of an answer that hooks may have: never its content."""

from __future__ import annotations

from typing import Any

import pytest

from llm_forge.core.answer_facts import answer_facts

CHAT = {
    "id": "c1",
    "model": "m-2",
    "choices": [{"finish_reason": "stop", "message": {"content": "secret"}}, {"finish_reason": None}],
    "usage": {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 3},
    },
}
MESSAGE = {
    "id": "msg_1",
    "model": "m-2",
    "content": [{"type": "text", "text": "secret"}],
    "stop_reason": "end_turn",
    "usage": {
        "input_tokens": 10,
        "output_tokens": 5,
        "cache_read_input_tokens": 4,
        "cache_creation_input_tokens": 2,
    },
}


@pytest.mark.requirement("R-230")
@pytest.mark.parametrize(
    ("answer", "facts"),
    [
        (
            CHAT,
            {
                "response_id": "c1",
                "response_model": "m-2",
                "finish_reasons": ("stop",),
                "input_tokens": 10,
                "output_tokens": 5,
                "cache_read_tokens": 4,
                "reasoning_tokens": 3,
            },
        ),
        (
            MESSAGE,
            {
                "response_id": "msg_1",
                "response_model": "m-2",
                "finish_reasons": ("end_turn",),
                "input_tokens": 16,
                "output_tokens": 5,
                "cache_read_tokens": 4,
                "cache_creation_tokens": 2,
            },
        ),
        ({"data": [], "usage": {"prompt_tokens": 7}}, {"input_tokens": 7}),
        ({"id": 3, "usage": {"prompt_tokens": "many", "completion_tokens": True}, "choices": "no"}, {}),
        ({"usage": None, "choices": [None, {"finish_reason": 5}]}, {}),
        ([1, 2], {}),
        (None, {}),
    ],
)
def test_facts_are_ids_reasons_and_counts(answer: Any, facts: dict[str, Any]) -> None:
    assert answer_facts(answer) == facts
    assert "secret" not in str(answer_facts(answer))
