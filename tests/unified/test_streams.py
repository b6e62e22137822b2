"""A streamed reply as its user holds it: pieces, progress, files, and errors with what arrived."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import llm_forge
from llm_forge import Piece, Reply, StreamError, StreamInterruptedError, StreamProgress
from llm_forge.simulator import Fault, Simulator

from .kit import PROVIDERS, model

TEXT = "one two three four five six seven eight"


@PROVIDERS
def test_a_stream_tells_pieces_and_progress_and_ends_in_the_whole_reply(
    simulator: Simulator, provider: str
) -> None:
    chunks: list[Piece] = []
    told: list[StreamProgress] = []
    with model(simulator, provider) as llm:
        stream = llm.stream(f"say: {TEXT}", on_chunk=chunks.append, on_progress=told.append)
        reply = stream.reply()
        whole = llm.invoke(f"say: {TEXT}")
    assert "".join(piece.text for piece in chunks) == reply.text == whole.text == TEXT
    assert (reply.finish_reason, reply.usage) == (whole.finish_reason, whole.usage)
    assert [one.chars for one in told] == sorted(one.chars for one in told)
    assert told[-1].chars == len(TEXT)
    assert told[-1].tokens == reply.usage.output
    assert reply.request_id
    assert reply.attempts == 1


def test_a_buffer_makes_pieces_of_at_least_its_size_and_loses_nothing(simulator: Simulator) -> None:
    with model(simulator, "openai") as llm:
        pieces = [piece.text for piece in llm.stream(f"say: {TEXT}", buffer=10)]
    assert "".join(pieces) == TEXT
    assert all(len(piece) >= 10 for piece in pieces[:-1])


@pytest.mark.requirement("R-146")
@PROVIDERS
def test_a_cut_stream_hands_out_what_came_and_raises_with_the_partial_reply(
    simulator: Simulator, provider: str
) -> None:
    simulator.faults.add(Fault(provider=provider, cut={"events": 6, "end": "complete"}, times=1))
    heard: list[str] = []
    with model(simulator, provider) as llm:
        stream = llm.stream(f"say: {TEXT}", buffer=1000)
        with pytest.raises(StreamInterruptedError) as caught:
            heard.extend(piece.text for piece in stream)
        assert isinstance(caught.value.partial, Reply)
        assert caught.value.partial.text == "".join(heard) != ""
        assert caught.value.partial.finish_reason is None
        with pytest.raises(StreamError):
            stream.reply()


@pytest.mark.requirement("R-152")
def test_a_callback_that_raises_ends_the_stream_with_its_own_exception(simulator: Simulator) -> None:
    def refuse(piece: Piece) -> None:
        raise LookupError(piece.text)

    with model(simulator, "openai") as llm:
        stream = llm.stream(f"say: {TEXT}", on_chunk=refuse)
        with pytest.raises(LookupError):
            next(stream)
        assert list(stream) == []


def test_an_async_callback_of_a_blocking_stream_is_refused(simulator: Simulator) -> None:
    async def wait(piece: Piece) -> None: ...

    with model(simulator, "openai") as llm, pytest.raises(TypeError, match="async"):
        llm.stream("say: hi", on_chunk=wait).reply()


@pytest.mark.requirement("R-153")
def test_a_streamed_file_appears_whole_or_not_at_all(simulator: Simulator, tmp_path: Path) -> None:
    target = tmp_path / "story.md"
    with model(simulator, "anthropic") as llm:
        reply = llm.stream_to_file(f"say: {TEXT}", target)
        assert target.read_text() == reply.text == TEXT
        simulator.faults.add(Fault(provider="anthropic", cut={"events": 6, "end": "complete"}, times=1))
        with pytest.raises(StreamInterruptedError) as caught:
            llm_forge.stream_to_file(llm, "say: nine ten eleven twelve", target, keep_partial=True)
    assert target.read_text() == TEXT
    assert (tmp_path / "story.md.partial").read_text() == caught.value.partial.text


@PROVIDERS
def test_everything_has_its_twin_for_asyncio(simulator: Simulator, provider: str, tmp_path: Path) -> None:
    chunks: list[str] = []

    async def hear(piece: Piece) -> None:
        await asyncio.sleep(0)
        chunks.append(piece.text)

    async def run() -> None:
        async with model(simulator, provider) as llm:
            assert (await llm.ainvoke(f"say: {TEXT}")).text == TEXT
            stream = llm.astream(f"say: {TEXT}", on_chunk=hear)
            assert "".join([piece.text async for piece in stream]) == TEXT == "".join(chunks)
            assert (await stream.reply()).text == TEXT
            await llm.astream_to_file(f"say: {TEXT}", tmp_path / "out.txt")

    asyncio.run(run())
    assert (tmp_path / "out.txt").read_text() == TEXT


def test_one_model_serves_threads_and_loops_with_one_limiter(simulator: Simulator) -> None:
    with model(simulator, "openai", concurrency=3) as llm:
        asyncio.run(llm.ainvoke("say: hi"))
        connection = llm.routes[0].connection
        assert connection.client().rate_limiter is connection.async_client().rate_limiter
        assert asyncio.run(llm.ainvoke("say: again")).text == "again"
        asyncio.run(llm.aclose())
