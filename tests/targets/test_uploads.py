"""A generated SDK that uploads files and reads files and lines, over real connections."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from llm_forge import spec
from llm_forge.targets import generate
from tests.shared import ROOT
from tests.targets.test_sdk import run

CASE = ROOT / "golden" / "multipart-and-binary" / "description.yaml"
SIZE = 3 * 1024 * 1024
PREPARED = f"""
import hashlib, io, pathlib, sys, tempfile
from files_sdk import {{name}}, ConnectionLostError, StreamInterruptedError, Upload
folder = pathlib.Path(tempfile.mkdtemp())
path = folder / "large.bin"
path.write_bytes(bytes(range(256)) * ({SIZE} // 256))
digest = hashlib.sha256(path.read_bytes()).hexdigest()
"""
CHECKS = """
    for content in (path, path.read_bytes(), path.open("rb"), Upload(iter([path.read_bytes()]), "large.bin")):
        stored = {wait}client.files.put(body=content)
        assert (stored.id, stored.size) == (digest, SIZE), content
    stored = {wait}client.files.create(file=path, purpose="x", expires_after={{"anchor": "a", "seconds": 1}})
    assert stored.fields == ["file", "purpose", "expires_after[anchor]", "expires_after[seconds]"]
    assert stored.name == "large.bin" and SIZE < stored.size < SIZE + 1000
    assert ({wait}client.files.rename(body=[{{"id": "1"}}])) is None
    assert ({wait}client.files.search(q="a b", tags=["x", "y"])).id == "q=a+b&tags=x&tags=y"
    assert len({wait}client.files.content("whole").read()) == SIZE
    assert ({wait}client.files.content("whole").to_file(folder)).name == "served.bin"
    try:
        {wait}client.files.content("cut").to_file(folder / "cut")
    except ConnectionLostError:
        assert not (folder / "cut").exists()
    ids = []
    try:
        {loop}for line in client.files.results("cut", session="s1"):
            ids.append(line.id)
    except StreamInterruptedError as error:
        ids.append(error.partial)
    assert ids == ["s1", "2", '{{"id":'], ids
    print("done")
"""


class Files(BaseHTTPRequestHandler):
    """Stores nothing, tells what arrived."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        import hashlib

        body = self.body()
        if self.path == "/names":
            assert body == b'[{"id":"1"}]'
            self.send_response(204)
            self.end_headers()
            return
        self.reply(f'{{"id":"{hashlib.sha256(body).hexdigest()}","size":{len(body)}}}'.encode())

    def do_POST(self) -> None:
        import json
        import re

        body = self.body()
        if self.path == "/search":
            self.reply(json.dumps({"id": body.decode()}).encode())
            return
        boundary = self.headers["content-type"].partition("boundary=")[2].encode()
        heads = [part.partition(b"\r\n\r\n")[0].decode() for part in body.split(b"--" + boundary)[1:-1]]
        fields = [match[1] for head in heads if (match := re.search(r' name="([^"]*)"', head))]
        name = re.search(r'filename="([^"]*)"', heads[0])
        told = {"id": "f", "fields": fields, "name": name and name[1], "size": len(body)}
        self.reply(json.dumps(told).encode())

    def do_GET(self) -> None:
        if self.path == "/results/cut":
            session = (self.headers["cookie"] or "").partition("=")[2]
            self.cut(f'{{"id":"{session}"}}\n{{"id":"2"}}\n{{"id":'.encode(), "application/jsonl")
        elif self.path == "/files/cut/content":
            self.cut(bytes(1000), "application/octet-stream")
        else:
            self.reply(bytes(SIZE), "application/octet-stream", 'attachment; filename="../served.bin"')

    def body(self) -> bytes:
        if "content-length" in self.headers:
            return self.rfile.read(int(self.headers["content-length"]))
        assert self.headers["transfer-encoding"] == "chunked"
        found = b""
        while size := int(self.rfile.readline(), 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def reply(self, body: bytes, kind: str = "application/json", disposition: str = "") -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        if disposition:
            self.send_header("content-disposition", disposition)
        self.end_headers()
        self.wfile.write(body)

    def cut(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body) + 1))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    found = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{found.server_port}"
    found.shutdown()
    thread.join()
    found.server_close()


@pytest.fixture
def sdk(tmp_path: Path) -> Path:
    generate(spec.load(CASE), "python", tmp_path / "out", "files_sdk")
    return tmp_path / "out"


@pytest.mark.requirement("R-046")
def test_a_blocking_client_sends_and_reads_files(sdk: Path, server: str) -> None:
    program = (
        PREPARED.format(name="Files")
        + f"SIZE = {SIZE}\nwith Files(api_key='k', base_url={server!r}) as client:"
        + CHECKS.format(wait="", loop="")
    )
    assert run(sdk, "-c", program) == "done\n"


@pytest.mark.requirement("R-046")
def test_an_asyncio_client_sends_and_reads_files(sdk: Path, server: str) -> None:
    checks = CHECKS.format(wait="await ", loop="async ").replace("\n    ", "\n        ")
    program = (
        PREPARED.format(name="AsyncFiles")
        + f"SIZE = {SIZE}\nimport asyncio\n"
        + f"async def main():\n    async with AsyncFiles(api_key='k', base_url={server!r}) as client:{checks}"
        + "asyncio.run(main())\n"
    )
    assert run(sdk, "-c", program) == "done\n"
