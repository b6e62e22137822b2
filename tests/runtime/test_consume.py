"""Callbacks instead of a loop, and the raw view: one consumption, released before anything is raised."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from llm_forge.core.errors import StreamError, StreamInterruptedError
from llm_forge.runtime.consume import Progress
from tests.runtime.async_kit import async_client, async_stream
from tests.runtime.kit import DONE, client, delta, sse
from tests.runtime.test_stream import stream, text_of

HEL, LO, END = delta("Hel"), delta("lo"), delta("", "stop")


class MistakeError(Exception):
    """An exception of the user's own."""


@pytest.mark.requirement("R-152", "R-140")
def test_callbacks_get_events_texts_and_progress_in_turn_and_the_message_is_returned() -> None:
    told: list[Any] = []
    acme = client(sse(HEL, 2.0, LO, END, DONE))
    message = stream(acme).for_each(
        lambda event: told.append(event["choices"][0]["delta"]["content"]),
        on_text=told.append,
        on_progress=told.append,
    )
    assert text_of(message) == "Hello"
    assert told == [
        "Hel",
        "Hel",
        Progress(1, 3, 0.0),
        "lo",
        "lo",
        Progress(2, 5, 2.0),
        "",
        Progress(3, 5, 2.0),
    ]


@pytest.mark.requirement("R-152", "R-045")
@pytest.mark.parametrize("which", ["on_event", "on_text", "on_progress"])
def test_st_26_the_exception_of_a_callback_is_raised_after_the_connection_was_closed(which: str) -> None:
    acme = client(sse(HEL, LO, END, DONE))
    opened = stream(acme)
    calls = 0

    def fails(_: Any) -> None:
        nonlocal calls
        calls += 1
        raise MistakeError

    with pytest.raises(MistakeError):
        opened.for_each(**{which: fails})
    assert acme.world.exchanges[0].closed
    assert calls == 1
    assert text_of(opened.partial) == "Hel"


@pytest.mark.requirement("R-150")
def test_no_callback_runs_after_one_closed_the_stream() -> None:
    acme = client(sse(HEL + LO + END + DONE))
    opened, told = stream(acme), []

    def first_only(text: str) -> None:
        told.append(text)
        opened.close()

    with pytest.raises(StreamError, match="left before its end"):
        opened.for_each(on_text=first_only)
    assert told == ["Hel"]


@pytest.mark.requirement("R-146")
def test_an_error_of_the_stream_passes_through_with_what_arrived() -> None:
    told: list[str] = []
    with pytest.raises(StreamInterruptedError) as caught:
        stream(client(sse(HEL))).for_each(on_text=told.append)
    assert told == ["Hel"]
    assert text_of(caught.value.partial) == "Hel"


@pytest.mark.requirement("R-152")
def test_an_async_callback_of_a_blocking_stream_is_refused_at_once() -> None:
    async def callback(_: Any) -> None:
        raise AssertionError

    acme = client(sse(HEL, LO, END, DONE))
    with pytest.raises(TypeError, match="async client"):
        stream(acme).for_each(callback)
    assert acme.world.exchanges[0].closed


@pytest.mark.requirement("R-152", "R-140")
def test_asyncio_takes_callbacks_of_both_kinds() -> None:
    async def run() -> None:
        told: list[str] = []

        async def later(text: str) -> None:
            await asyncio.sleep(0)
            told.append(text)

        progress: list[Progress] = []
        acme = async_client(sse(HEL, LO, END, DONE))
        message = await async_stream(acme).for_each(on_text=later, on_progress=progress.append)
        assert text_of(message) == "Hello"
        assert told == ["Hel", "lo"]
        assert [one.characters for one in progress] == [3, 5, 5]

    asyncio.run(run())


@pytest.mark.requirement("R-152", "R-045")
def test_st_26_asyncio_closes_before_it_raises() -> None:
    async def run() -> None:
        async def fails(_: Any) -> None:
            raise MistakeError

        acme = async_client(sse(HEL, LO, END, DONE))
        with pytest.raises(MistakeError):
            await async_stream(acme).for_each(fails)
        assert acme.world.exchanges[0].closed

    asyncio.run(run())


@pytest.mark.requirement("R-140", "R-129")
def test_raw_events_have_the_name_the_id_and_the_json_of_the_wire() -> None:
    body = b'event: a\nid: 7\ndata: {"choices":[]}\n\n' + END + DONE
    opened = stream(client(sse(body)))
    first, second = opened.raw_events()
    assert (first.name, first.id, first.data) == ("a", "7", {"choices": []})
    assert (second.name, second.id, second.data["choices"][0]["finish_reason"]) == ("message", "7", "stop")
    with pytest.raises(StreamError, match="once"):
        opened.raw_events()

    async def run() -> None:
        events = [event async for event in async_stream(async_client(sse(body))).raw_events()]
        assert [event.name for event in events] == ["a", "message"]

    asyncio.run(run())


@pytest.mark.requirement("R-149")
def test_gaps_are_the_servers_and_not_the_consumers() -> None:
    acme = client(sse(HEL, 2.0, LO, 1.0, b": beat\n\n", 3.0, END + DONE))
    with stream(acme) as opened:
        assert opened.gaps.count == 0
        for _ in opened:
            acme.world.clock += 50.0
    gaps = opened.gaps
    assert (gaps.count, gaps.total, gaps.longest, gaps.mean) == (2, 6.0, 4.0, 3.0)


@pytest.mark.requirement("R-149")
def test_events_that_arrive_together_have_no_gap_and_pings_are_no_events() -> None:
    opened = stream(client(sse(HEL + LO + END + DONE)))
    opened.result()
    assert (opened.gaps.count, opened.gaps.total, opened.gaps.mean) == (2, 0.0, 0.0)


@pytest.mark.requirement("R-147", "R-242")
def test_st_17_the_text_of_a_broken_event_is_a_redacted_detail_and_shows_nowhere_else() -> None:
    broken = b'data: {"key": "canary-key", "said": "private"\n\n'
    with pytest.raises(StreamError) as caught:
        list(stream(client(sse(HEL, broken))))
    error = caught.value
    assert error.kind == "StreamDecodeError"
    assert error.body is not None
    assert "private" in error.body
    assert "canary-key" not in json.dumps(error.facts(), default=repr)
    assert "private" not in str(error) + repr(error)


@pytest.mark.requirement("R-151")
def test_st_24_a_chunk_of_many_events_is_decoded_as_the_consumer_takes_them() -> None:
    count = 10_000
    acme = client(sse(HEL * count + END + DONE))
    with stream(acme) as opened:
        ready = opened._opened().reader.ready
        most = seen = 0
        for _ in opened:
            seen += 1
            most = max(most, len(ready))
            acme.world.clock += 10.0
    assert seen == count + 1
    assert most <= 256
    assert opened.completion == "explicit"
