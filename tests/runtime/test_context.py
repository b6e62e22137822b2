"""The context of a call: one small immutable object for middleware, hooks and errors (R-050, R-230)."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from llm_forge import ConfigError, Event, RateLimitError
from llm_forge.core.call_context import CallContext
from llm_forge.runtime.scripted import Answer
from tests.runtime.kit import CHAT, DONE, Acme, call, client, delta, failed, ok, sse

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def watched(*answers: Answer | BaseException, **options: Any) -> tuple[Acme, list[Event]]:
    events: list[Event] = []
    return client(*answers, on_event=events.append, **options), events


@pytest.mark.requirement("R-050")
def test_every_event_of_a_call_has_its_context_with_the_attempt_that_runs() -> None:
    acme, events = watched(failed(500), ok())
    acme.world.clock = 7.0
    call(acme, timeout=30, call_metadata={"tenant": "blue"}, trace_parent=TRACE)
    first = events[0].context
    assert first == CallContext(
        call_id=first.call_id,
        provider="acme",
        operation="chat.create",
        model="m",
        started=7.0,
        deadline=37.0,
        origin="https://api.acme.test:443",
        trace_parent=TRACE,
        metadata={"tenant": "blue"},
    )
    assert len(bytes.fromhex(first.call_id)) == 16
    assert {event.call_id for event in events} == {first.call_id}
    assert [event.attempt for event in events] == [0, 1, 1, 1, 2, 2, 2]


@pytest.mark.requirement("R-050")
def test_call_ids_differ_and_streams_say_that_they_are() -> None:
    acme, events = watched(ok(), sse(delta("hi", "stop"), DONE))
    call(acme)
    acme.stream(CHAT, body={"model": "m"}, options={}).result()
    contexts = [event.context for event in events if event.name == "call-start"]
    assert len({context.call_id for context in contexts}) == 2
    assert [context.stream for context in contexts] == [False, True]


@pytest.mark.requirement("R-050")
@pytest.mark.requirement("R-217")
def test_an_error_has_the_context_of_its_last_attempt_and_keeps_it_in_a_pickle() -> None:
    acme, _ = watched(failed(429), failed(429), max_attempts=2)
    with pytest.raises(RateLimitError) as caught:
        call(acme, call_metadata={"tenant": "blue", "tries": 2})
    context = caught.value.context
    assert context is not None
    assert (context.attempt, context.metadata["tenant"]) == (2, "blue")
    assert context.call_id == caught.value.call_id
    assert pickle.loads(pickle.dumps(caught.value)).context == context  # noqa: S301 - our own bytes


@pytest.mark.requirement("R-050")
def test_a_context_cannot_be_changed_and_does_not_follow_the_caller() -> None:
    given = {"tenant": "blue"}
    acme, events = watched(ok())
    call(acme, call_metadata=given)
    given["tenant"] = "green"
    context = events[-1].context
    assert context.metadata == {"tenant": "blue"}
    with pytest.raises(FrozenInstanceError):
        context.attempt = 9  # type: ignore[misc]
    with pytest.raises(TypeError):
        context.metadata["tenant"] = "green"  # type: ignore[index]
    assert "blue" not in repr(context)


@pytest.mark.requirement("R-050")
def test_metadata_is_for_this_side_only_and_can_be_set_for_a_copy() -> None:
    acme, events = watched(ok())
    call(acme.with_options(call_metadata={"tenant": "blue"}))
    assert events[0].context.metadata == {"tenant": "blue"}
    (request,) = acme.world.requests
    assert b"blue" not in (request.body or b"")
    assert "blue" not in str(request.headers)


@pytest.mark.requirement("R-232")
def test_a_trace_parent_goes_out_with_every_attempt_and_is_absent_otherwise() -> None:
    acme, _ = watched(failed(500), ok(), ok())
    call(acme, trace_parent=TRACE)
    call(acme)
    sent = [dict(request.headers).get("traceparent") for request in acme.world.requests]
    assert sent == [TRACE, TRACE, None]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"call_metadata": ["tenant"]}, "mapping of names"),
        ({"call_metadata": {"tenant": ["blue"]}}, "mapping of names"),
        ({"trace_parent": "00-me"}, "traceparent"),
    ],
)
def test_metadata_is_plain_and_a_trace_parent_is_well_formed(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        call(client(ok()), **options)


@pytest.mark.requirement("R-234")
def test_several_hooks_see_every_event_and_one_that_raises_is_counted() -> None:
    seen: list[str] = []

    def broken(event: Event) -> None:
        raise RuntimeError("hook")

    acme = client(ok(), on_event=[broken, lambda event: seen.append(event.name)])
    assert call(acme).id == "x"
    assert seen == ["call-start", "attempt-start", "attempt-end", "call-end"]
    assert acme.hook_failures == 4


@pytest.mark.requirement("R-230")
def test_every_attempt_that_starts_also_ends_whatever_ends_it() -> None:
    acme, events = watched(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        call(acme)
    ended = next(event for event in events if event.name == "attempt-end")
    assert ended.facts["outcome"] == "cancelled"
    assert events[-1].facts["outcome"] == "cancelled"


def test_an_async_hook_is_refused_because_nobody_would_await_it() -> None:
    async def hook(event: Event) -> None: ...

    with pytest.raises(ConfigError, match="not async"):
        client(on_event=[hook])
