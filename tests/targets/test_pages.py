"""A generated SDK that lists many pages, over real connections."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from llm_forge import spec
from llm_forge.targets import generate
from tests.shared import ROOT
from tests.targets.test_sdk import run

CASE = ROOT / "golden" / "pagination" / "description.yaml"
BOOKS = [f"b{number}" for number in range(5)]
CHECKS = """
    every = ["b0", "b1", "b2", "b3", "b4"]
    assert [book.id {loop}for book in client.books.by_id(limit=2)] == every
    assert [book.id {loop}for book in client.books.by_cursor()] == every
    assert [book.id {loop}for book in client.books.by_number(page_size=2)] == every
    assert [book.id {loop}for book in client.books.by_link()] == every
    assert [title {loop}for title in client.books.search(text="x")] == every
    first = {wait}client.books.by_id(limit=2)
    assert type(first) is models.{prefix}BookListPage and [book.id for book in first.data] == every[:2]
    assert [len(page.data) {loop}for page in first.pages(limit=2)] == [2, 2]
    second = {wait}first.next_page()
    assert second.data[0] == models.Book({{"id": "b2"}}) and second.has_next_page()
    assert ({wait}client.books.by_cursor()).next_page_ == "2"
    print("done")
"""


class Shelf(BaseHTTPRequestHandler):
    """Five books, two to a page."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        start = BOOKS.index(asked["after"]) + 1 if "after" in asked else int(asked.get("from", 0))
        if "page" in asked:
            start = int(asked["page"]) * (2 if parts.path.endswith("number") else 1)
        self.reply(self.listed(start))

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert asked["text"] == "x"
        start = int(asked.get("cursor", 0))
        self.reply({"titles": BOOKS[start : start + 2], "next": str(start + 2) if start < 3 else None})

    def listed(self, start: int) -> dict[str, Any]:
        more = start + 2 < len(BOOKS)
        following = str(start + 2) if more else None
        return {
            "data": [{"id": one} for one in BOOKS[start : start + 2]],
            "has_more": more,
            "next_page": following,
            "total": len(BOOKS),
            "links": {"next": f"/v1/by-link?from={following}" if more else None},
        }

    def reply(self, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    found = ThreadingHTTPServer(("127.0.0.1", 0), Shelf)
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{found.server_port}/v1"
    found.shutdown()
    thread.join()
    found.server_close()


@pytest.fixture
def sdk(tmp_path: Path) -> Path:
    generate(spec.load(CASE), "python", tmp_path / "out", "shelves_sdk")
    return tmp_path / "out"


@pytest.mark.requirement("R-203")
def test_a_blocking_client_lists_all_items_in_every_style(sdk: Path, server: str) -> None:
    program = (
        "from shelves_sdk import Shelves\nfrom shelves_sdk.clients.shelves import models\n"
        f"with Shelves(api_key='k', base_url={server!r}) as client:"
        + CHECKS.format(wait="", loop="", prefix="")
    )
    assert run(sdk, "-c", program) == "done\n"


@pytest.mark.requirement("R-203")
def test_an_asyncio_client_lists_all_items_in_every_style(sdk: Path, server: str) -> None:
    checks = CHECKS.format(wait="await ", loop="async ", prefix="Async").replace("\n    ", "\n        ")
    program = (
        "import asyncio\nfrom shelves_sdk import AsyncShelves\n"
        "from shelves_sdk.clients.shelves import models\n"
        f"async def main():\n    async with AsyncShelves(api_key='k', base_url={server!r}) as client:{checks}"
        "asyncio.run(main())\n"
    )
    assert run(sdk, "-c", program) == "done\n"
