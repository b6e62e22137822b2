"""Writing a stream to a file: whole or not at all, and for its owner only."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llm_forge.core.errors import StreamError, StreamInterruptedError
from llm_forge.runtime import files
from llm_forge.runtime.files import AtomicFile
from llm_forge.runtime.scripted import Answer
from tests.runtime.async_kit import async_client, async_stream
from tests.runtime.kit import DONE, client, delta, sse
from tests.runtime.test_stream import stream, text_of

TEXT = "Hello é🙂 wörld"
WHOLE = (delta("Hel"), delta(TEXT[3:]), delta("", "stop"), DONE)
CUT = (delta("Hel"), delta("lo"))
Write = Callable[..., Any]


def blocking(answer: Answer, path: Path, **options: Any) -> Any:
    acme = client(answer)
    try:
        return stream(acme).to_file(path, **options)
    finally:
        assert all(exchange.closed for exchange in acme.world.exchanges)


def awaited(answer: Answer, path: Path, **options: Any) -> Any:
    async def run() -> Any:
        acme = async_client(answer)
        try:
            return await async_stream(acme).to_file(path, **options)
        finally:
            assert all(exchange.closed for exchange in acme.world.exchanges)

    return asyncio.run(run())


both = pytest.mark.parametrize("write", [blocking, awaited])
pytestmark = pytest.mark.requirement("R-153")


@both
@pytest.mark.requirement("R-244")
def test_st_28_a_whole_stream_is_a_file_in_utf_8_for_its_owner_only(write: Write, tmp_path: Path) -> None:
    target = tmp_path / "story.md"
    message = write(sse(*WHOLE), target)
    assert text_of(message) == TEXT
    assert target.read_text(encoding="utf-8") == TEXT
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [target]


@both
def test_st_28_a_file_that_is_there_is_replaced_at_once(write: Write, tmp_path: Path) -> None:
    target = tmp_path / "story.md"
    target.write_text("old")
    before = target.stat().st_ino
    write(sse(*WHOLE), target)
    assert target.read_text(encoding="utf-8") == TEXT
    assert target.stat().st_ino != before


@both
@pytest.mark.parametrize("keep", [False, True])
def test_st_28_an_interrupted_stream_leaves_the_target_untouched(
    write: Write, keep: bool, tmp_path: Path
) -> None:
    target = tmp_path / "story.md"
    target.write_text("old")
    with pytest.raises(StreamInterruptedError) as caught:
        write(sse(*CUT), target, keep_partial=keep)
    assert text_of(caught.value.partial) == "Hello"
    assert target.read_text() == "old"
    partial = tmp_path / "story.md.partial"
    assert sorted(tmp_path.iterdir()) == ([target, partial] if keep else [target])
    assert not keep or partial.read_text() == "Hello"


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is on a disk that takes nothing."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    fdopen = os.fdopen

    def on_a_full_disk(descriptor: int, mode: str) -> Any:
        os.close(descriptor)
        return fdopen(os.open("/dev/full", os.O_WRONLY), mode)

    monkeypatch.setattr(files.os, "fdopen", on_a_full_disk)


@both
@pytest.mark.usefixtures("full_disk")
def test_st_28_a_full_disk_is_a_typed_error_and_leaves_no_temporary_file(
    write: Write, tmp_path: Path
) -> None:
    target = tmp_path / "story.md"
    target.write_text("old")
    with pytest.raises(StreamError, match="could not be written") as caught:
        write(sse(*WHOLE), target)
    assert isinstance(caught.value.__cause__, OSError)
    assert text_of(caught.value.partial) == TEXT
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@both
def test_a_folder_that_is_missing_is_a_typed_error_before_anything_is_sent(
    write: Write, tmp_path: Path
) -> None:
    with pytest.raises(StreamError, match="could not be written"):
        write(sse(*WHOLE), tmp_path / "missing" / "story.md")


def test_a_cancelled_stream_leaves_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        acme = async_client(sse(*CUT, asyncio.CancelledError()))
        with pytest.raises(asyncio.CancelledError):
            await async_stream(acme).to_file(tmp_path / "story.md")

    asyncio.run(run())
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_followed_and_a_long_name_fits(tmp_path: Path) -> None:
    target, link = tmp_path / ("n" * 255), tmp_path / "link"
    link.symlink_to(target)
    file = AtomicFile(link)
    file.write(b"x")
    assert file.commit() == link
    assert link.is_symlink()
    assert target.read_bytes() == b"x"


def test_half_a_surrogate_pair_is_written_as_a_replacement(tmp_path: Path) -> None:
    body = b'data: {"choices":[{"index":0,"delta":{"content":"a\\ud83d"},"finish_reason":"stop"}]}\n\n' + DONE
    blocking(sse(body), tmp_path / "story.md")
    assert (tmp_path / "story.md").read_text(encoding="utf-8").startswith("a\ufffd")
