"""`strict`, and the count of required fields that were missing (R-200)."""

from __future__ import annotations

from typing import Any

import pytest

from llm_forge.core.errors import ConfigError, InvalidResponseError
from llm_forge.core.profile import Operation, StreamRule
from llm_forge.core.views import View, field, list_of, obj
from tests.runtime.kit import Acme, client, ok, sse

pytestmark = pytest.mark.requirement("R-200")


class Choice(View):
    __slots__ = ()
    message: Any = field("message", required=True)


class Completion(View):
    __slots__ = ()
    id: str = field("id", required=True)
    choices: list[Choice] = field("choices", list_of(obj(Choice)), required=True)


CHAT: Operation[Completion, View] = Operation(
    "chat.create", "POST", "/chat", Completion, StreamRule("chat-completion", View), has_body=True
)
DELTA = b'data: {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


def ask(acme: Acme, **options: Any) -> Completion:
    return acme.call(CHAT, body={}, options=options)  # type: ignore[arg-type]  # options of any kind


def test_missing_required_fields_are_absent_and_counted_once_per_answer() -> None:
    acme = client(ok({}), ok({"id": "x", "choices": [{}]}), ok({"id": "y"}))
    assert ask(acme).id is None
    assert acme.missing_fields == 2
    assert ask(acme).choices[0].message is None
    assert acme.missing_fields == 2  # inside an answer nothing is looked for
    ask(acme.with_options(max_attempts=1))
    assert acme.missing_fields == 3  # copies count together


@pytest.mark.parametrize("body", [{}, {"id": "x", "choices": [{}]}])
def test_a_strict_call_refuses_them_without_a_retry(body: Any) -> None:
    acme = client(ok(body))
    with pytest.raises(InvalidResponseError, match=r"lacks (id, choices|choices\.0\.message)") as raised:
        ask(acme, strict=True)
    assert raised.value.retryable is False
    assert len(raised.value.attempts) == 1
    assert acme.missing_fields == 0


def test_strict_may_be_the_clients_and_taken_back_by_a_call() -> None:
    acme = client(ok({}), ok({}), strict=True)
    with pytest.raises(InvalidResponseError):
        ask(acme)
    assert ask(acme, strict=False).id is None


def test_complete_answers_pass_strictly() -> None:
    body = {"id": "x", "choices": [{"message": {}}], "unknown": 1}
    assert ask(client(ok(body)), strict=True).to_dict() == body


def test_the_result_of_a_stream_is_checked_when_it_is_complete() -> None:
    acme = client(sse(DELTA, DONE), sse(DELTA, DONE))
    with acme.stream(CHAT, body={}, options={"strict": True}) as stream:
        assert list(stream.texts()) == ["Hi"]
        with pytest.raises(InvalidResponseError, match="lacks id") as raised:
            stream.result()
    assert raised.value.partial.choices[0].message["content"] == "Hi"
    lenient = acme.stream(CHAT, body={}, options={})
    assert lenient.result() is lenient.result()
    assert acme.missing_fields == 1


def test_strict_is_true_or_false() -> None:
    with pytest.raises(ConfigError, match="strict must be True or False"):
        client(strict="yes")
