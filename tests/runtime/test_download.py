"""Answers that are files or lines of JSON: whole or an error, on disk as in memory."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path
from typing import Any

import pytest

from llm_forge import CallContext, Middleware, Request, Response
from llm_forge.core.errors import (
    ConnectionLostError,
    DeadlineExceededError,
    ForgeError,
    InvalidResponseError,
    NotFoundError,
    ResponseTooLargeError,
    StreamDecodeError,
    StreamError,
    StreamIdleError,
    StreamInterruptedError,
)
from llm_forge.core.profile import Operation
from llm_forge.core.views import View, obj
from llm_forge.runtime.download import Download
from llm_forge.runtime.scripted import Answer, Piece, ScriptedIo
from tests.runtime.kit import Acme, answer, client, failed
from tests.runtime.test_uploads import AsyncAcme

FILE = Operation(
    "files.content", "GET", "/files/{id}/content", View, answer="binary", accept="application/octet-stream"
)
SOUND = Operation(
    "audio.speech", "POST", "/speech", View, has_body=True, answer="binary", accept="audio/mpeg"
)
LINES = Operation("batches.results", "GET", "/results", obj(View), answer="lines", accept="application/jsonl")
LOST = ConnectionLostError("cut", phase="body")


def file(*pieces: Piece, **headers: str) -> Answer:
    """A file in pieces; header names with underscores."""
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Answer(200, [("content-type", "application/octet-stream"), *pairs], list(pieces))


def lines(*pieces: Piece) -> Answer:
    return Answer(200, [("content-type", "application/jsonl")], list(pieces))


def content(acme: Acme, **options: Any) -> Download:
    return acme.download(FILE, path={"id": "f1"}, options=options)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def ended(acme: Acme) -> bool:
    """Whether every connection was given back and no call runs."""
    return all(one.closed for one in acme.world.exchanges) and not acme._shared.running


def test_a_file_is_read_whole_or_in_pieces_once() -> None:
    acme = client(file(b"ab", b"cd", content_length="4"), file(b"ab", b"cd"))
    with content(acme) as found:
        assert (found.size, found.content_type) == (4, "application/octet-stream")
        assert found.read() == b"abcd"
        with pytest.raises(StreamError, match="once"):
            found.read()
    assert list(content(acme)) == [b"ab", b"cd"]
    assert dict(acme.world.requests[0].headers)["accept"] == "application/octet-stream"
    assert ended(acme)


@pytest.mark.requirement("R-244")
def test_a_stored_file_is_whole_private_and_replaces_an_older_one(tmp_path: Path) -> None:
    target = tmp_path / "answer.bin"
    target.write_bytes(b"old")
    assert content(client(file(b"ab", b"cd"))).to_file(target) == target
    assert target.read_bytes() == b"abcd"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert names(tmp_path) == ["answer.bin"]


@pytest.mark.requirement("R-199")
def test_a_file_that_is_cut_never_looks_complete(tmp_path: Path) -> None:
    target = tmp_path / "answer.bin"
    target.write_bytes(b"old")
    acme = client(file(b"ab", LOST))
    with pytest.raises(ConnectionLostError) as caught:
        content(acme).to_file(target)
    assert (caught.value.mid_stream, caught.value.operation) == (True, "files.content")
    assert [one.outcome for one in caught.value.attempts] == ["ConnectionLostError"]
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["answer.bin"]
    assert ended(acme)


def test_failures_before_the_first_byte_are_retried_and_later_ones_are_not() -> None:
    acme = client(failed(500), file(LOST), file(b"abc"))
    assert content(acme).read() == b"abc"
    assert len(acme.world.requests) == 3
    acme = client(file(b"a", LOST), file(b"abc"))
    with pytest.raises(ConnectionLostError):
        content(acme).read()
    assert len(acme.world.requests) == 1
    with pytest.raises(NotFoundError):
        content(client(failed(404))).read()


@pytest.mark.requirement("R-244")
@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="../../etc/x"', "x"),
        ('attachment; filename="C:\\\\x"', "x"),
        ("attachment; filename*=UTF-8''na%00me%0a.txt", "name.txt"),
        (f'attachment; filename="{"a" * 4096}.jsonl"', f"{'a' * 194}.jsonl"),
        ("", "content"),
    ],
)
def test_in_a_folder_a_file_gets_a_safe_name(tmp_path: Path, header: str, name: str) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    found = content(client(file(b"x", content_disposition=header))).to_file(folder)
    assert found == folder / name
    assert names(folder) == [name]
    assert names(tmp_path) == ["results"]


@pytest.mark.requirement("R-244")
def test_a_name_of_the_server_never_replaces_a_file(tmp_path: Path) -> None:
    (tmp_path / "content").write_bytes(b"mine")
    acme = client(file(b"x"))
    with pytest.raises(FileExistsError):
        content(acme).to_file(tmp_path)
    assert (tmp_path / "content").read_bytes() == b"mine"
    assert ended(acme)


@pytest.mark.requirement("R-195")
def test_a_file_has_no_limit_on_disk_and_one_in_memory(tmp_path: Path) -> None:
    piece = bytes(1024 * 1024)
    path = content(client(file(*[piece] * 80))).to_file(tmp_path / "large")
    assert path.stat().st_size == 80 * len(piece)
    acme = client(file(*[piece] * 80))
    with pytest.raises(ResponseTooLargeError, match="to_file"):
        content(acme).read()
    assert ended(acme)


@pytest.mark.requirement("R-051")
@pytest.mark.requirement("R-052")
def test_a_file_has_no_deadline_of_its_own_but_must_not_fall_silent() -> None:
    assert content(client(file(*[b"x", 50.0] * 20))).read() == b"x" * 20
    with pytest.raises(StreamIdleError):
        content(client(file(b"x", 61.0, b"y"))).read()
    with pytest.raises(DeadlineExceededError) as caught:
        content(client(file(*[b"x", 50.0] * 20)), timeout=120).read()
    assert caught.value.phase == "body"


@pytest.mark.requirement("R-198")
def test_what_is_no_file_is_an_error() -> None:
    page = Answer(200, [("content-type", "text/html")], [b"<html>log in</html>"])
    with pytest.raises(InvalidResponseError, match="page"):
        content(client(page)).read()
    with pytest.raises(InvalidResponseError, match="JSON"):
        client(answer(200, {"error": "no"})).download(SOUND, body={"input": "x"}, options={}).read()
    with pytest.raises(InvalidResponseError, match="empty"):
        content(client(Answer(204, []))).read()


def test_leaving_a_file_early_closes_its_connection() -> None:
    acme = client(file(b"a", b"b", b"c"), file(b"a", b"b"))
    for _ in content(acme):
        break
    with content(acme):
        pass
    assert ended(acme)


def test_a_file_that_is_closed_while_it_is_read_is_not_taken_for_whole() -> None:
    found = content(client(file(b"a", b"b")))
    pieces = iter(found)
    assert next(pieces) == b"a"
    found.close()
    with pytest.raises(StreamError, match="before its end"):
        next(pieces)

    async def main() -> None:
        found = in_asyncio(file(b"a", b"b")).download(FILE, path={"id": "f"}, options={})
        reading = aiter(found)
        assert await anext(reading) == b"a"
        await found.close()
        with pytest.raises(StreamError, match="before its end"):
            await anext(reading)

    asyncio.run(main())


def test_lines_become_views_one_by_one_in_any_chunking() -> None:
    acme = client(lines(b'{"id":"a"}\n{"i', b'd":"b"}\r\n\n{"id"', b':"c"}'))
    found = acme.lines(LINES, options={})
    assert [line.id for line in found] == ["a", "b", "c"]
    assert ended(acme)


@pytest.mark.requirement("R-135")
@pytest.mark.requirement("R-146")
@pytest.mark.parametrize("pieces", [[b'{"id":"a"}\n{"id', LOST], [b'{"id":"a"}\n{"id'], [b'{"id":"a"}\n12']])
def test_a_torn_line_is_an_error_after_the_whole_ones(pieces: list[Piece]) -> None:
    acme = client(lines(*pieces))
    found: list[Any] = []
    with pytest.raises(StreamInterruptedError) as caught:
        found.extend(line.id for line in acme.lines(LINES, options={}))
    assert found == ["a"]
    torn = pieces[0].partition(b"\n")[2].decode() if isinstance(pieces[0], bytes) else ""
    assert (caught.value.partial, caught.value.events_seen) == (torn, 1)
    assert ended(acme)


@pytest.mark.requirement("R-135")
def test_a_line_that_is_no_json_is_an_error_after_the_whole_ones() -> None:
    found: list[Any] = []
    with pytest.raises(StreamDecodeError, match="Line 2") as caught:
        found.extend(client(lines(b'{"id":"a"}\n{"id":}\n{"id":"c"}\n')).lines(LINES, options={}))
    assert [line.id for line in found] == ["a"]
    assert caught.value.events_seen == 1


@pytest.mark.requirement("R-132")
def test_a_line_without_end_is_refused() -> None:
    acme = client(lines(b'{"id":"', *[b"x" * 1024 * 1024] * 9))
    with pytest.raises(ResponseTooLargeError):
        list(acme.lines(LINES, options={}))
    assert ended(acme)


def test_lines_can_be_stored_as_they_are(tmp_path: Path) -> None:
    path = client(lines(b'{"id":"a"}\n', b'{"id":"b"}\n')).lines(LINES, options={}).to_file(tmp_path / "r")
    assert path.read_bytes() == b'{"id":"a"}\n{"id":"b"}\n'


def in_asyncio(*answers: Any) -> AsyncAcme:
    return AsyncAcme(api_key="key", transport=ScriptedIo(list(answers)))


def test_asyncio_reads_iterates_and_stores_files(tmp_path: Path) -> None:
    async def main() -> None:
        acme = in_asyncio(*[file(b"ab", b"cd") for _ in range(3)], file(b"ab", LOST))
        async with acme.download(FILE, path={"id": "f"}, options={}) as found:
            assert await found.read() == b"abcd"
        assert [piece async for piece in acme.download(FILE, path={"id": "f"}, options={})] == [b"ab", b"cd"]
        path = await acme.download(FILE, path={"id": "f"}, options={}).to_file(tmp_path / "a")
        assert path.read_bytes() == b"abcd"
        with pytest.raises(ConnectionLostError):
            await acme.download(FILE, path={"id": "f"}, options={}).to_file(tmp_path / "b")
        assert names(tmp_path) == ["a"]
        assert all(one.closed for one in acme.world.exchanges)
        assert not acme._shared.running

    asyncio.run(main())


@pytest.mark.requirement("R-135")
def test_asyncio_reads_lines_up_to_the_one_that_is_torn() -> None:
    async def main() -> list[Any]:
        found: list[Any] = []
        acme = in_asyncio(lines(b'{"id":"a"}\n{"id":"b"}\n{"id', LOST), lines(b'{"id":"c"}'))
        try:
            async for line in acme.lines(LINES, options={}):
                found.append(line.id)  # noqa: PERF401 - what came before the error counts
        except ForgeError as error:
            found += [error.kind, error.partial]
        found += [line.id async for line in acme.lines(LINES, options={})]
        return found

    assert asyncio.run(main()) == ["a", "b", "StreamInterruptedError", '{"id', "c"]


def test_asyncio_gives_the_connection_back_where_a_loop_is_left() -> None:
    async def main() -> bool:
        acme = in_asyncio(file(b"a", b"b", b"c"))
        async for _ in acme.download(FILE, path={"id": "f"}, options={}):
            break
        return not acme._shared.running

    assert asyncio.run(main())


class Marked(Middleware):
    """Adds a header around the call and around each attempt."""

    def call(self, context: CallContext, request: Request, proceed: Any) -> Response:
        return proceed(request.with_header("x-call", "1"))

    def attempt(self, context: CallContext, request: Request, proceed: Any) -> Response:
        return proceed(request.with_header("x-attempt", str(context.attempt)))


@pytest.mark.requirement("R-221")
def test_middleware_stands_around_downloads_too() -> None:
    acme = client(failed(500), file(b"abc"), middleware=[Marked()])
    assert content(acme).read() == b"abc"
    seen = [dict(request.headers) for request in acme.world.requests]
    assert [(one["x-call"], one["x-attempt"]) for one in seen] == [("1", "1"), ("1", "2")]


class Answering(Middleware):
    """Answers itself, which a file cannot be."""

    def attempt(self, context: CallContext, request: Request, proceed: Any) -> Response:
        return Response({"id": "made up"})


@pytest.mark.requirement("R-222")
def test_middleware_cannot_replace_a_file_and_nothing_leaks() -> None:
    acme = client(file(b"abc"), middleware=[Answering()])
    with pytest.raises(TypeError, match="file or lines"):
        content(acme).read()
    assert ended(acme)
