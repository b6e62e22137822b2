"""What an exchange sends and delivers, on every adapter."""

from __future__ import annotations

import time
from functools import partial

import pytest

from llm_forge.core.errors import (
    AttemptTimeoutError,
    ConnectionLostError,
    InvalidRequestError,
    ProtocolError,
    ResponseTooLargeError,
)
from llm_forge.runtime.transports.protocol import HttpRequest, Timers

from .adapters import Adapter, everywhere, post
from .loopback import Loopback, Peer, answer_all

GZIP = bytes.fromhex("1f8b08000000000002ff4bcbcf07002165738c03000000")  # "foo"


@pytest.mark.requirement("R-035")
@everywhere()
async def test_a_request_is_sent_as_it_was_given_and_nothing_is_added(adapter: Adapter) -> None:
    with Loopback() as server:
        await adapter.fetch(server.url("/v1/m?q=1"))
    (received,) = server.requests()
    assert received.line == "POST /v1/m?q=1 HTTP/1.1"
    assert received.body == b'{"a":1}'
    assert [value for name, value in received.headers if name == "x-a"] == ["1", "2"]
    assert received.names() == {"host", "content-length", "accept", "user-agent", "x-a"}


@everywhere()
async def test_a_get_has_no_body_and_no_length(adapter: Adapter) -> None:
    with Loopback() as server:
        await (
            await adapter.open(HttpRequest("GET", server.url(), (("accept", "a/b"), ("user-agent", "t"))))
        ).body()
    (received,) = server.requests()
    assert received.names() == {"host", "accept", "user-agent"}


@everywhere()
async def test_each_chunk_is_delivered_when_it_arrives(adapter: Adapter) -> None:
    def drip(peer: Peer) -> None:
        peer.request()
        peer.start_chunked()
        for number in range(4):
            peer.chunk(b"data: %d\n\n" % number)
            peer.pause(0.02)
        peer.send(b"0\r\n\r\n")

    with Loopback(drip) as server:
        exchange = await adapter.open(server.url())
        chunks = []
        while chunk := await exchange.read():
            chunks.append(chunk)
        assert chunks == [b"data: %d\n\n" % number for number in range(4)]
        assert await exchange.read() == b""


@pytest.mark.requirement("R-037")
@everywhere()
async def test_a_connection_is_reused_after_its_body_was_read_to_the_end(adapter: Adapter) -> None:
    with Loopback() as server:
        for _ in range(5):
            assert await adapter.fetch(server.url()) == b"{}"
        assert len(server.peers) == 1


@pytest.mark.requirement("R-041")
@everywhere()
async def test_tr_07_a_redirect_is_delivered_not_followed(adapter: Adapter) -> None:
    with Loopback() as other, Loopback(lambda peer: redirect(peer, other.url())) as server:
        exchange = await adapter.open(server.url())
        assert (exchange.status, exchange.headers["location"]) == (307, other.url())
        await exchange.close()
        assert other.requests() == []


def redirect(peer: Peer, target: str) -> None:
    peer.request()
    peer.answer(b"", status="307 Temporary Redirect", headers=f"location: {target}\r\n")


@pytest.mark.requirement("R-197")
@everywhere()
async def test_a_content_encoding_is_left_to_the_caller(adapter: Adapter) -> None:
    def encoded(peer: Peer) -> None:
        peer.request()
        peer.answer(GZIP, headers="content-encoding: gzip\r\n")

    with Loopback(encoded) as server:
        exchange = await adapter.open(server.url())
        assert exchange.headers["content-encoding"] == "gzip"
        assert await exchange.body() == GZIP


@everywhere()
async def test_a_cookie_of_a_response_is_not_sent_back(adapter: Adapter) -> None:
    def bake(peer: Peer) -> None:
        while peer.request():
            peer.answer(headers="set-cookie: a=b; Path=/\r\n")

    with Loopback(bake) as server:
        await adapter.fetch(server.url())
        await adapter.fetch(server.url())
    assert all("cookie" not in received.names() for received in server.requests())


@pytest.mark.requirement("R-047")
@everywhere()
async def test_repeated_headers_are_kept_in_order(adapter: Adapter) -> None:
    with Loopback(lambda peer: with_headers(peer, b"X-B: 1\r\nx-c: 2\r\nx-b: 3\r\n")) as server:
        exchange = await adapter.open(server.url())
        assert exchange.headers.get_all("x-b") == ["1", "3"]
        await exchange.body()


@pytest.mark.requirement("R-047")
@everywhere()
async def test_a_header_value_that_is_not_text_arrives_as_latin_1(adapter: Adapter) -> None:
    with Loopback(lambda peer: with_headers(peer, b"x-b: \xff\xe9\r\nx-c: caf\xc3\xa9\r\n")) as server:
        exchange = await adapter.open(server.url())
        assert exchange.headers.pairs()[:2] == (("x-b", "\xff\xe9"), ("x-c", "caf\xe9"))
        await exchange.body()


def with_headers(peer: Peer, lines: bytes) -> None:
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\n" + lines + b"content-length: 2\r\n\r\n{}")


@pytest.mark.requirement("R-195")
@everywhere()
async def test_response_headers_over_the_limit_are_an_error(adapter: Adapter) -> None:
    too_many = b"".join(b"h%d: v\r\n" % number for number in range(300))
    for lines in (too_many, b"h: " + b"v" * 66_000 + b"\r\n", b"h: " + b"v" * 600_000 + b"\r\n"):
        with Loopback(partial(with_headers, lines=lines)) as server:
            with pytest.raises(ResponseTooLargeError):
                await adapter.open(server.url())
            assert adapter.transport.active() == 0


@pytest.mark.requirement("R-195")
@everywhere()
async def test_200_header_fields_are_within_the_limit(adapter: Adapter) -> None:
    lines = b"".join(b"h%d: v\r\n" % number for number in range(200))
    with Loopback(lambda peer: with_headers(peer, lines)) as server:
        exchange = await adapter.open(server.url())
        assert len(exchange.headers) == 201
        await exchange.body()


CONTRADICTIONS = (
    b"content-length: 2\r\ncontent-length: 5\r\n\r\n{}xxx",
    b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"content-length: -2\r\n\r\n{}",
    b"content-length: 2x\r\n\r\n{}",
)


@pytest.mark.requirement("R-199")
@everywhere()
async def test_lm_03_contradictory_lengths_are_an_error_and_their_connection_ends(adapter: Adapter) -> None:
    for lines in CONTRADICTIONS:

        def contradict(peer: Peer, lines: bytes = lines) -> None:
            peer.request()
            peer.send(b"HTTP/1.1 200 OK\r\n" + lines + b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nsmuggle")
            peer.closed_by_client(1.0)

        with Loopback(contradict, answer_all) as server:
            with pytest.raises(ProtocolError):
                await adapter.open(server.url())
            assert await adapter.fetch(server.url()) == b"{}"


@everywhere()
async def test_bytes_after_an_answer_are_no_second_answer(adapter: Adapter) -> None:
    more = b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nsmuggle"

    def at_once(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}" + more)
        peer.closed_by_client(1.0)

    def a_little_later(peer: Peer) -> None:
        peer.request()
        peer.answer()
        peer.pause(0.01)
        peer.send(more)
        peer.closed_by_client(1.0)

    for smuggle in (at_once, a_little_later):
        with Loopback(smuggle, answer_all) as server:
            assert await adapter.fetch(server.url()) == b"{}"
            time.sleep(0.1)  # noqa: ASYNC251 - the loop must not have seen the bytes when it asks again
            assert await adapter.fetch(server.url()) == b"{}"
            assert len(server.peers) == 2


@pytest.mark.requirement("R-240")
@everywhere()
async def test_a_header_that_would_break_the_request_is_refused_before_any_io(adapter: Adapter) -> None:
    with Loopback() as server:
        for name, value in (("x-a", "1\r\nx-b: 2"), ("x a", "1")):
            with pytest.raises(InvalidRequestError):
                await adapter.open(HttpRequest("GET", server.url(), ((name, value),)))
        assert server.requests() == []


@pytest.mark.requirement("R-051")
@everywhere()
async def test_the_response_timer_covers_the_whole_header_block(adapter: Adapter) -> None:
    def drip(peer: Peer) -> None:
        peer.request()
        for byte in b"HTTP/1.1 200 OK\r\n" * 3:
            peer.send(bytes([byte]))
            peer.pause(0.03)

    with Loopback(drip) as server:
        begin = time.monotonic()
        with pytest.raises(AttemptTimeoutError) as caught:
            await adapter.open(server.url(), Timers(response=0.2))
        assert caught.value.phase == "response"
        assert 0.19 < time.monotonic() - begin < 0.45


@pytest.mark.requirement("R-052")
@everywhere()
async def test_each_read_has_its_own_time(adapter: Adapter) -> None:
    """The second read is given less than the first: a drip must not renew an old timer."""

    def drip(peer: Peer) -> None:
        peer.request()
        peer.start_chunked()
        peer.chunk(b"one")
        peer.closed_by_client(1.0)

    with Loopback(drip) as server:
        exchange = await adapter.open(server.url())
        assert await exchange.read(5.0) == b"one"
        begin = time.monotonic()
        with pytest.raises(TimeoutError):
            await exchange.read(0.1)
        assert 0.09 < time.monotonic() - begin < 0.35
        await exchange.close()


@everywhere("curl-sync", "curl-async")
async def test_after_a_time_out_curl_reads_on_and_nothing_is_lost(adapter: Adapter) -> None:
    def slow(peer: Peer) -> None:
        peer.request()
        peer.start_chunked()
        for number in range(60):
            peer.chunk(b"%d," % number)
            peer.pause(0.001)
        peer.send(b"0\r\n\r\n")

    with Loopback(slow) as server:
        exchange = await adapter.open(server.url())
        body = b""
        for _ in range(5000):
            try:
                chunk = await exchange.read(0.0005)
            except TimeoutError:
                continue
            if not chunk:
                break
            body += chunk
        assert body == b"".join(b"%d," % number for number in range(60))


@everywhere("httpx2-sync", "httpx2-async")
async def test_after_a_time_out_httpx2_says_that_it_cannot_read_on(adapter: Adapter) -> None:
    def slow(peer: Peer) -> None:
        peer.request()
        peer.start_chunked()
        peer.closed_by_client(1.0)

    with Loopback(slow) as server:
        exchange = await adapter.open(server.url())
        with pytest.raises(TimeoutError):
            await exchange.read(0.02)
        with pytest.raises(ConnectionLostError):
            await exchange.read(0.02)
        assert adapter.transport.active() == 0


@pytest.mark.requirement("R-199")
@everywhere()
async def test_tr_04_a_body_shorter_than_its_length_is_a_lost_connection(adapter: Adapter) -> None:
    def short(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n" + b"x" * 20)

    with Loopback(short) as server:
        exchange = await adapter.open(server.url())
        with pytest.raises(ConnectionLostError) as caught:
            await exchange.body()
        assert caught.value.__cause__ is not None


@pytest.mark.requirement("R-199")
@everywhere()
async def test_tr_05_a_chunked_body_without_its_last_chunk_is_a_lost_connection(adapter: Adapter) -> None:
    def cut(peer: Peer) -> None:
        peer.request()
        peer.start_chunked()
        peer.chunk(b"one")

    def cut_inside(peer: Peer) -> None:
        peer.request()
        peer.start_chunked()
        peer.send(b"9\r\none")

    with Loopback(cut, cut_inside) as server:
        for _ in range(2):
            exchange = await adapter.open(server.url())
            assert await exchange.read() == b"one"
            with pytest.raises(ConnectionLostError):
                await exchange.read()


@pytest.mark.requirement("R-216")
@everywhere()
async def test_a_reset_in_the_body_is_a_lost_connection_after_what_arrived(adapter: Adapter) -> None:
    def cut(peer: Peer) -> None:
        peer.request()
        peer.start_chunked()
        peer.chunk(b"one")
        peer.pause(0.03)
        peer.reset()

    with Loopback(cut) as server:
        exchange = await adapter.open(server.url())
        assert await exchange.read() == b"one"
        with pytest.raises(ConnectionLostError):
            await exchange.read()


@pytest.mark.requirement("R-216")
@everywhere()
async def test_broken_http_is_a_protocol_error(adapter: Adapter) -> None:
    def no_http(peer: Peer) -> None:
        peer.request()
        peer.send(b"220 mail.example ESMTP\r\n\r\n")

    def bad_chunk(peer: Peer) -> None:
        peer.request()
        peer.start_chunked()
        peer.send(b"zz\r\none\r\n")
        peer.closed_by_client(0.5)

    with Loopback(no_http, bad_chunk) as server:
        with pytest.raises(ProtocolError):
            await adapter.open(server.url())
        exchange = await adapter.open(server.url())
        with pytest.raises(ProtocolError):
            await exchange.body()


@everywhere()
async def test_a_body_that_ends_with_the_connection_is_a_clean_end(adapter: Adapter) -> None:
    """RFC 9112 section 6.3: without a length the close is the only end there is."""

    def until_close(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\nall")

    with Loopback(until_close) as server:
        assert await adapter.fetch(server.url()) == b"all"


@everywhere()
async def test_a_large_body_arrives_whole(adapter: Adapter) -> None:
    body = bytes(range(256)) * 8192

    def large(peer: Peer) -> None:
        request = peer.request()
        assert request is not None
        assert request.body == body
        peer.answer(body)

    with Loopback(large) as server:
        assert await (await adapter.open(post(server.url(), body))).body() == body
