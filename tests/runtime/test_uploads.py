"""Bodies beyond JSON objects: what goes on the wire, once and again."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llm_forge.core.errors import InvalidRequestError, ServerError
from llm_forge.core.profile import BodyRule, Operation
from llm_forge.core.views import View
from llm_forge.runtime.auth.custom import AuthRequest
from llm_forge.runtime.client import AsyncClient
from llm_forge.runtime.io import Io
from llm_forge.runtime.scripted import ScriptedIo
from llm_forge.runtime.uploads import FileInput, Upload, sha256_of
from tests.runtime.kit import PROFILE, Acme, client, failed, ok

FILES = BodyRule("multipart", files=frozenset({"file"}), deep=frozenset({"expires"}))
UPLOAD = Operation("files.create", "POST", "/files", View, has_body=True, body=FILES)
RAW = Operation(
    "raw.put", "PUT", "/raw", View, has_body=True, body=BodyRule("binary", "application/octet-stream")
)
FORM = Operation(
    "search",
    "POST",
    "/search",
    View,
    has_body=True,
    body=BodyRule("form", "application/x-www-form-urlencoded"),
)
ARRAY = Operation("names.put", "PUT", "/names", View, has_body=True, body=BodyRule("json"))


def sent(acme: Acme, number: int = 0) -> tuple[dict[str, str], bytes]:
    """The headers and the body of a request."""
    return dict(acme.world.requests[number].headers), acme.world.bodies[number]


def parts(acme: Acme, number: int = 0) -> list[bytes]:
    """The parts of a multipart body, headers included."""
    headers, body = sent(acme, number)
    boundary = headers["content-type"].partition("boundary=")[2].encode()
    first, *found, last = body.split(b"--" + boundary)
    assert (first, last) == (b"", b"--\r\n")
    return [part.removeprefix(b"\r\n").removesuffix(b"\r\n") for part in found]


def upload(acme: Acme, file: FileInput, **fields: Any) -> View:
    return acme.call(UPLOAD, body={"file": file, **fields}, options={})


@pytest.mark.requirement("R-046")
def test_lists_and_objects_of_the_deep_style_are_written_with_brackets() -> None:
    acme = client(ok({}))
    body = {"file": b"x", "tags": ["a"], "expires": {"days": 2}}
    rule = BodyRule("multipart", files=frozenset({"file"}), deep=frozenset({"tags", "expires", "file"}))
    operation = replace(UPLOAD, body=rule)
    acme.call(operation, body=body, query={"metadata": {"team": "a b"}, "none": {}}, options={})
    names = [part.partition(b'name="')[2].partition(b'"')[0] for part in parts(acme)]
    assert names == [b"file", b"tags[]", b"expires[days]"]
    assert acme.world.requests[0].url.endswith("/files?metadata%5Bteam%5D=a+b")


@pytest.mark.requirement("R-046")
def test_a_form_holds_its_fields_and_its_file_with_name_and_type(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_bytes(b"{}\n")
    acme = client(ok())
    upload(acme, path, purpose="batch", expires={"seconds": 60}, tags=["a", "b"], none=None, meta={"x": 1})
    assert parts(acme) == [
        b'Content-Disposition: form-data; name="file"; filename="notes.jsonl"\r\n'
        b"Content-Type: application/jsonl\r\n\r\n{}\n",
        b'Content-Disposition: form-data; name="purpose"\r\n\r\nbatch',
        b'Content-Disposition: form-data; name="expires[seconds]"\r\n\r\n60',
        b'Content-Disposition: form-data; name="tags"\r\n\r\na',
        b'Content-Disposition: form-data; name="tags"\r\n\r\nb',
        b'Content-Disposition: form-data; name="meta"\r\nContent-Type: application/json\r\n\r\n{"x":1}',
    ]


@pytest.mark.requirement("R-046")
@pytest.mark.parametrize(
    ("given", "cleaned"),
    [
        ('a"; name="purpose\r\nx: y.txt', "a; name=purposex: y.txt"),
        ("../../etc/passwd", "passwd"),
        ("C:\\secret\\a.txt", "a.txt"),
        ("\0ümläut.txt", "ümläut.txt"),
    ],
)
def test_file_names_cannot_break_the_part_header(given: str, cleaned: str) -> None:
    acme = client(ok())
    upload(acme, Upload(b"x", file_name=given, content_type="text/plain\r\nevil: 1"))
    head = parts(acme)[0].partition(b"\r\n\r\n")[0].decode()
    assert head == (
        f'Content-Disposition: form-data; name="file"; filename="{cleaned}"\r\n'
        "Content-Type: text/plainevil: 1"
    )


def chunks() -> Iterator[bytes]:
    yield b"one"
    yield b"two"


@pytest.mark.requirement("R-078")
def test_an_iterator_is_sent_in_a_single_attempt() -> None:
    acme = client(failed(500), ok())
    with pytest.raises(ServerError) as caught:
        upload(acme, chunks())
    assert len(caught.value.attempts) == 1
    assert parts(acme)[0].endswith(b"\r\n\r\nonetwo")


@pytest.mark.requirement("R-078")
def test_a_file_is_sent_from_its_position_at_call_time_on_every_attempt() -> None:
    file = io.BytesIO(b"0123456789the rest")
    file.seek(10)
    acme = client(failed(500), ok())
    upload(acme, file)
    assert acme.world.bodies[0] == acme.world.bodies[1]
    assert parts(acme)[0].endswith(b"\r\n\r\nthe rest")


@pytest.mark.requirement("R-078")
def test_a_file_that_cannot_seek_is_sent_once() -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.pieces = [b"ab", b"c"]

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            return self.pieces.pop(0) if self.pieces else b""

    acme = client(failed(500), ok())
    with pytest.raises(ServerError):
        upload(acme, Pipe())
    assert len(acme.world.bodies) == 1
    assert parts(acme)[0].endswith(b"\r\n\r\nabc")


@pytest.mark.requirement("R-046")
def test_a_file_on_disk_is_never_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(64 * 1024 * 1024)
    acme = client(ok())
    body = None
    tracemalloc.start()
    try:
        prepared = acme._prepared_call(UPLOAD, {"body": {"file": path}}, {}, streaming=False).prepared
        body = prepared.request.body
        assert body is not None
        assert not isinstance(body, bytes)
        length = sum(len(piece) for piece in body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert length == body.size
    assert length > 64 * 1024 * 1024
    assert peak < 2 * 1024 * 1024


@pytest.mark.requirement("R-046")
def test_a_large_json_body_is_held_once_beside_what_the_caller_holds() -> None:
    text = "x" * (16 * 1024 * 1024)
    acme = client(ok())
    operation = Operation("chat", "POST", "/chat", View, has_body=True)
    tracemalloc.start()
    try:
        call = acme._prepared_call(operation, {"body": {"text": text}}, {}, streaming=False)
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert isinstance(call.prepared.request.body, bytes)
    assert held < 1.6 * len(text)  # the encoder grows its buffer in steps


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("notes.txt", "pathlib.Path"),
        (io.StringIO("text"), "binary mode"),
        (Path("/no/such/file"), "cannot be read"),
        (7, "cannot be sent as a file"),
    ],
)
def test_what_is_no_file_is_refused_before_anything_is_sent(value: Any, said: str) -> None:
    acme = client(ok())
    with pytest.raises(InvalidRequestError, match=said):
        upload(acme, value)
    assert acme.world.requests == []


def test_bytes_forms_and_arrays_have_their_own_content_types(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF")
    acme = client(ok(), ok(), ok(), ok())
    acme.call(RAW, body=path, options={})
    acme.call(RAW, body=Upload([b"a", b"b"], content_type="audio/wav"), options={})
    acme.call(FORM, body={"q": "a b&c", "tags": ["x", "y"], "deep": {"k": True}}, options={})
    acme.call(ARRAY, body=[{"id": 1}, "two"], options={})
    found = [(headers["content-type"], body) for headers, body in (sent(acme, n) for n in range(4))]
    assert found == [
        ("application/octet-stream", b"RIFF"),
        ("audio/wav", b"ab"),
        ("application/x-www-form-urlencoded", b"q=a+b%26c&tags=x&tags=y&deep=%7B%22k%22%3Atrue%7D"),
        ("application/json", b'[{"id":1},"two"]'),
    ]


def test_fields_can_be_added_to_forms_and_not_to_bytes() -> None:
    acme = client(ok())
    acme.call(UPLOAD, body={"file": b"x"}, options={"extra_body": {"purpose": "batch"}})
    assert parts(acme)[1].endswith(b"batch")
    with pytest.raises(InvalidRequestError, match="extra_body"):
        acme.call(RAW, body=b"x", options={"extra_body": {"a": 1}})


@pytest.mark.requirement("R-201")
@pytest.mark.requirement("R-202")
@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud83d"])
def test_values_that_json_cannot_carry_are_refused_in_forms_too(value: Any) -> None:
    acme = client(ok())
    with pytest.raises(InvalidRequestError):
        upload(acme, b"x", field=value)
    assert acme.world.requests == []


def test_more_than_a_thousand_parts_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="at most 1000"):
        upload(client(ok()), b"x", tags=["t"] * 1000)


def test_cookies_join_in_one_header() -> None:
    operation = Operation("get", "GET", "/x", View)
    acme = client(ok())
    acme.call(operation, cookies={"session": "a b;c", "n": 1}, options={})
    assert sent(acme)[0]["cookie"] == "session=a%20b%3Bc; n=1"


def test_the_digest_of_a_body_is_known_unless_it_can_be_read_only_once(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    acme = client(ok(), ok(), ok())
    bodies = [
        acme._prepared_call(RAW, {"body": value}, {}, streaming=False).prepared.request.body
        for value in (b"abc", path, iter([b"abc"]))
    ]
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert [sha256_of(body) for body in bodies] == [known, known, None]


@pytest.mark.requirement("R-031")
def test_an_auth_provider_gets_the_digest_of_a_file_that_is_then_sent_whole() -> None:
    class Signed:
        def authorize(self, request: AuthRequest) -> dict[str, str]:
            return {"x-digest": request.body_sha256 or "none"}

    file = io.BytesIO(b"0123456789abc")
    file.seek(10)
    acme = client(failed(500), ok(), ok(), api_key=None, auth=Signed())
    acme.call(RAW, body=file, options={})
    acme.call(RAW, body=iter([b"abc"]), options={})
    assert acme.world.bodies == [b"abc"] * 3
    digest = hashlib.sha256(b"abc").hexdigest()
    assert [sent(acme, n)[0]["x-digest"] for n in range(3)] == [digest, digest, "none"]


class AsyncAcme(AsyncClient):
    """The same in asyncio."""

    profile = PROFILE
    world: ScriptedIo

    def _make_io(self, transport: Any, *_: Any) -> Io:
        self.world = transport
        return self.world


class AsyncFile:
    """A file as asyncio libraries have them."""

    def __init__(self, content: bytes) -> None:
        self._file = io.BytesIO(content)

    async def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    async def tell(self) -> int:
        return self._file.tell()

    async def seek(self, place: int) -> int:
        return self._file.seek(place)


async def arriving() -> AsyncIterator[bytes]:
    yield b"one"
    yield b"two"


def uploaded(value: Any, *answers: Any) -> list[bytes]:
    """The bodies that an asyncio client sent."""

    async def main() -> list[bytes]:
        acme = AsyncAcme(api_key="key", transport=ScriptedIo(list(answers)))
        with contextlib.suppress(ServerError):
            await acme.call(RAW, body=value, options={})
        return acme.world.bodies

    return asyncio.run(main())


@pytest.mark.requirement("R-078")
def test_asyncio_files_rewind_and_asyncio_iterators_do_not() -> None:
    file = AsyncFile(b"0123456789rest")
    asyncio.run(file.seek(10))
    assert uploaded(file, failed(500), ok()) == [b"rest", b"rest"]
    assert uploaded(arriving(), failed(500), ok()) == [b"onetwo"]


def test_a_blocking_client_refuses_what_only_asyncio_can_read() -> None:
    acme = client(ok())
    body = acme._prepared_call(RAW, {"body": arriving()}, {}, streaming=False).prepared.request.body
    assert body is not None
    with pytest.raises(InvalidRequestError, match="async client"):
        next(iter(body))
