"""What telemetry costs where nobody listens (R-235), counted in function calls instead of timed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx2
import pytest

from llm_forge import OpenAI
from tests.counting import calls_of

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
TELEMETRY = {"events.py", "middleware.py", "call_context.py", "answer_facts.py", "logs.py", "background.py"}
OF_A_CALL = {"emit", "context", "tell_attempt"}  # in context.py


def answer(_: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, json={"id": "x", "choices": []})


def of_telemetry(counts: Counter[tuple[str, str]]) -> int:
    return sum(
        count
        for (file, name), count in counts.items()
        if file in TELEMETRY or (file == "context.py" and name in OF_A_CALL)
    )


def measured(**options: Any) -> Counter[tuple[str, str]]:
    with OpenAI(api_key="k", transport=httpx2.MockTransport(answer), **options) as llm:
        llm.chat.completions.create(**ASK)  # imports and first uses
        return calls_of(lambda: llm.chat.completions.create(**ASK))


@pytest.mark.requirement("R-235")
def test_without_a_listener_at_most_one_function_call_in_fifty_is_telemetry() -> None:
    counts = measured()
    assert sum(counts.values()) > 300
    assert of_telemetry(counts) / sum(counts.values()) <= 0.02


@pytest.mark.requirement("R-235")
def test_without_a_listener_no_context_and_no_event_is_made_and_no_answer_is_looked_at() -> None:
    silent, heard = measured(), measured(on_event=lambda event: None)
    made = [("events.py", "tell"), ("call_context.py", "__post_init__"), ("answer_facts.py", "answer_facts")]
    assert [silent[one] for one in made] == [0, 0, 0]
    assert [heard[one] > 0 for one in made] == [True, True, True]
