"""Request bodies in pieces, on every adapter (R-046)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from llm_forge.runtime.transports.protocol import HttpRequest

from .adapters import Adapter, everywhere
from .loopback import Loopback, Peer


class Pieces:
    """A body of so many pieces; with `fails` its iteration ends with that error instead."""

    rewindable = True

    def __init__(self, count: int, *, sized: bool, fails: Exception | None = None) -> None:
        self.piece = b"0123456789abcdef" * 2048
        self.count = count
        self.size = count * len(self.piece) if sized else None
        self.fails = fails

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(self.count):
            yield self.piece
        if self.fails is not None:
            raise self.fails

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


def sending(url: str, body: Pieces, method: str = "POST") -> HttpRequest:
    return HttpRequest(method, url, (("content-type", "a/b"), ("user-agent", "t"), ("accept", "a/b")), body)


@pytest.mark.requirement("R-046")
@everywhere()
async def test_a_body_of_known_size_is_sent_with_its_length(adapter: Adapter) -> None:
    with Loopback() as server:
        for method in ("POST", "PUT"):
            body = Pieces(20, sized=True)
            assert await (await adapter.open(sending(server.url(), body, method))).body() == b"{}"
        first, second = server.requests()
        assert first.body == second.body == Pieces(20, sized=True).piece * 20
        assert (first.line, second.line) == ("POST /x HTTP/1.1", "PUT /x HTTP/1.1")
        assert first.names() == {"host", "content-length", "content-type", "user-agent", "accept"}


def read_chunked(peer: Peer) -> None:
    """Read a chunked request, keep its decoded body, answer; again and again."""
    while peer.request():
        decoded = b""
        while size := int(peer._until(b"\r\n") or b"0", 16):
            decoded += peer._exactly(size)
            peer._exactly(2)
        peer._until(b"\r\n")
        peer.requests[-1].body = decoded
        peer.answer()


@pytest.mark.requirement("R-046")
@everywhere()
async def test_a_body_of_unknown_size_is_sent_chunked(adapter: Adapter) -> None:
    with Loopback(read_chunked) as server:
        assert await (await adapter.open(sending(server.url(), Pieces(20, sized=False)))).body() == b"{}"
        (received,) = server.requests()
        assert received.body == Pieces(20, sized=False).piece * 20
        assert received.get("transfer-encoding") == "chunked"
        assert "content-length" not in received.names()
        assert await (await adapter.open(sending(server.url(), Pieces(0, sized=False)))).body() == b"{}"


@pytest.mark.requirement("R-046")
@everywhere()
async def test_what_a_body_raises_leaves_as_it_is_and_ends_the_connection(adapter: Adapter) -> None:
    def swallow(peer: Peer) -> None:
        peer.closed_by_client(2.0)

    with Loopback(swallow) as server:
        with pytest.raises(LookupError, match="the caller's own"):
            await adapter.open(
                sending(server.url(), Pieces(2, sized=False, fails=LookupError("the caller's own")))
            )
        assert adapter.transport.active() == 0


@pytest.mark.requirement("R-046")
@everywhere("curl-sync", "curl-async")
async def test_an_answer_before_the_end_of_the_body_is_an_answer(adapter: Adapter) -> None:
    def refuse(peer: Peer) -> None:
        peer._until(b"\r\n\r\n")
        peer.answer(b"too large", status="413 Payload Too Large", headers="connection: close\r\n")
        peer.closed_by_client(2.0)

    with Loopback(refuse) as server:
        exchange = await adapter.open(sending(server.url(), Pieces(4000, sized=True)))
        assert (exchange.status, await exchange.body()) == (413, b"too large")
