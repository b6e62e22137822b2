"""Connecting: refused, unresolvable, too slow, TLS, stale, and the pool."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from llm_forge.core.errors import ConnectError, ConnectionLostError, PoolTimeoutError, TlsError
from llm_forge.runtime.transports import default_transport, resolve_transport
from llm_forge.runtime.transports.protocol import HttpRequest, PoolLimits, StaleConnection, Timers

from .adapters import CA, CERTIFICATES, NAMES, Adapter, everywhere, new_transport, post, small_pool
from .loopback import Loopback, Peer, Script, answer_all


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def tls_server(certificate: str, *scripts: Script) -> Loopback:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / certificate)
    return Loopback(*scripts, tls=context)


@pytest.mark.requirement("R-070")
@everywhere()
async def test_tr_01_a_refused_connection_is_a_connect_error(adapter: Adapter) -> None:
    with pytest.raises(ConnectError) as caught:
        await adapter.open(f"http://127.0.0.1:{free_port()}/x?key=sk-secret")
    assert caught.value.phase == "connect"
    assert caught.value.__cause__ is not None


@pytest.mark.requirement("R-218")
@everywhere()
async def test_a_query_secret_is_in_no_error_and_no_cause(adapter: Adapter) -> None:
    def reset(peer: Peer) -> None:
        peer.request()
        peer.reset()

    with Loopback(reset) as server:
        for url in (f"http://127.0.0.1:{free_port()}/x?key=sk-secret", server.url("/x?key=sk-secret")):
            with pytest.raises((ConnectError, ConnectionLostError)) as caught:
                await adapter.open(url)
            error: BaseException | None = caught.value
            while error is not None:
                assert "sk-secret" not in f"{error}{error!r}{error.args}{vars(error)}"
                error = error.__cause__


@pytest.mark.requirement("R-070")
@everywhere("httpx2-sync", "httpx2-async")
async def test_an_unresolvable_name_is_a_connect_error(adapter: Adapter) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", fail)
        with pytest.raises(ConnectError):
            await adapter.open("http://nowhere.invalid/x")


@pytest.mark.requirement("R-051")
@everywhere()
async def test_dl_07_the_connect_timer_ends_a_black_hole(adapter: Adapter) -> None:
    with black_hole() as url:
        begin = time.monotonic()
        with pytest.raises(ConnectError):
            await adapter.open(url, Timers(connect=0.15))
        assert 0.14 < time.monotonic() - begin < 0.4


@contextlib.contextmanager
def black_hole() -> Iterator[str]:
    """A listener whose backlog is full, so that further SYNs stay unanswered."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/x"


@pytest.mark.requirement("R-035")
@everywhere()
async def test_tr_06_a_certificate_of_an_unknown_authority_is_a_tls_error(adapter: Adapter) -> None:
    with tls_server("good.pem") as server:
        with pytest.raises(TlsError):
            await adapter.open(server.url())
        assert server.requests() == []


@pytest.mark.requirement("R-035")
@everywhere(ca_bundle=CA)
async def test_tr_06_a_certificate_for_another_host_is_a_tls_error(adapter: Adapter) -> None:
    with tls_server("wrong.pem") as server:
        with pytest.raises(TlsError):
            await adapter.open(server.url())
        assert server.requests() == []


@pytest.mark.requirement("R-035", "R-036")
@everywhere(ca_bundle=CA)
async def test_tr_12_a_ca_bundle_is_trusted_and_http_1_1_is_spoken(adapter: Adapter) -> None:
    with tls_server("good.pem") as server:
        assert await adapter.fetch(server.url()) == b"{}"
        assert [received.line for received in server.requests()] == ["POST /x HTTP/1.1"]


@pytest.mark.requirement("R-070")
@everywhere()
async def test_a_handshake_cut_short_is_a_connect_error(adapter: Adapter) -> None:
    def hang_up(peer: Peer) -> None:
        peer.sock.recv(65536)

    def reset(peer: Peer) -> None:
        peer.sock.recv(65536)
        peer.reset()

    with Loopback(hang_up, reset) as server:
        for _ in range(2):
            with pytest.raises(ConnectError):
                await adapter.open(server.url().replace("http:", "https:"))


@pytest.mark.requirement("R-051")
@everywhere()
async def test_the_connect_timer_covers_the_handshake(adapter: Adapter) -> None:
    with Loopback(lambda peer: peer.pause(0.4)) as server:
        begin = time.monotonic()
        with pytest.raises(ConnectError):
            await adapter.open(server.url().replace("http:", "https:"), Timers(connect=0.15))
        assert time.monotonic() - begin < 0.4


@pytest.mark.requirement("R-070")
@everywhere()
async def test_tr_02_a_reset_on_a_new_connection_is_lost_but_not_stale(adapter: Adapter) -> None:
    def reset(peer: Peer) -> None:
        peer.request()
        peer.reset()

    def hang_up(peer: Peer) -> None:
        peer.request()

    with Loopback(reset, hang_up) as server:
        for _ in range(2):
            with pytest.raises(ConnectionLostError) as caught:
                await adapter.open(server.url())
            assert not isinstance(caught.value, StaleConnection)


@pytest.mark.requirement("R-038")
@everywhere()
async def test_tr_03_an_idle_connection_that_the_server_closed_is_not_used(adapter: Adapter) -> None:
    def once(peer: Peer) -> None:
        peer.request()
        peer.answer()

    with Loopback(once) as server:
        await adapter.fetch(server.url())
        await asyncio.sleep(0.02)
        assert await adapter.fetch(server.url()) == b"{}"
        assert len(server.requests()) == 2


@pytest.mark.requirement("R-038")
@everywhere()
async def test_tr_03_a_reused_connection_that_ends_before_any_byte_is_stale(adapter: Adapter) -> None:
    def hang_up_on_second(peer: Peer) -> None:
        peer.request()
        peer.answer()
        peer.request()

    def reset_on_second(peer: Peer) -> None:
        hang_up_on_second(peer)
        peer.reset()

    with Loopback(hang_up_on_second, reset_on_second) as server:
        for sent in (2, 4):
            await adapter.fetch(server.url())
            with pytest.raises(StaleConnection):
                await adapter.open(server.url())
            assert len(server.requests()) == sent


@pytest.mark.requirement("R-038")
@everywhere("httpx2-sync", "httpx2-async")
async def test_a_reused_connection_that_ends_within_the_head_is_not_stale(adapter: Adapter) -> None:
    def cut_on_second(peer: Peer) -> None:
        peer.request()
        peer.answer()
        peer.request()
        peer.send(b"HTTP/1.1 20")

    with Loopback(cut_on_second) as server:
        await adapter.fetch(server.url())
        with pytest.raises(ConnectionLostError) as caught:
            await adapter.open(server.url())
        assert not isinstance(caught.value, StaleConnection)


@pytest.mark.requirement("R-037")
@everywhere(**small_pool(1))
async def test_tr_13_a_full_pool_makes_the_second_call_wait_and_then_fail(adapter: Adapter) -> None:
    def stream(peer: Peer) -> None:
        peer.request()
        peer.start_chunked()
        peer.closed_by_client(1.0)

    with Loopback(stream, answer_all) as server:
        first = await adapter.open(server.url())
        begin = time.monotonic()
        with pytest.raises(PoolTimeoutError) as caught:
            await adapter.open(server.url(), Timers(pool=0.1))
        assert caught.value.phase == "pool"
        assert 0.09 < time.monotonic() - begin < 0.35
        await first.close()
        assert await adapter.fetch(server.url()) == b"{}"


@pytest.mark.requirement("R-057")
@everywhere("curl-async", "httpx2-async", **small_pool(1))
async def test_cn_01_a_cancelled_waiter_leaves_the_queue(adapter: Adapter) -> None:
    with Loopback() as server:
        first = await adapter.open(server.url())
        waiting = asyncio.create_task(adapter.open(server.url()))
        await asyncio.sleep(0.02)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await first.body()
        assert adapter.transport.active() == 0
        assert await adapter.fetch(server.url()) == b"{}"


@pytest.mark.requirement("R-039")
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are found in /proc")
@everywhere(pool=PoolLimits(keepalive_seconds=45.0))
async def test_tcp_keep_alive_is_on(adapter: Adapter) -> None:
    def stream(peer: Peer) -> None:
        peer.request()
        peer.start_chunked()
        peer.chunk(b"one")
        peer.closed_by_client(1.0)

    with Loopback(stream) as server:
        exchange = await adapter.open(server.url())
        used = socket_to(server.port)
        assert used.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) != 0
        if hasattr(socket, "TCP_KEEPIDLE"):
            assert used.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 45
        used.close()
        await exchange.close()


def socket_to(port: int) -> socket.socket:
    """A duplicate of this process's own socket to a port, found among its descriptors."""
    for name in sorted(path.name for path in Path("/proc/self/fd").iterdir()):
        try:
            found = socket.socket(fileno=os.dup(int(name)))
        except OSError:
            continue
        with contextlib.suppress(OSError):
            if found.family == socket.AF_INET and found.getpeername()[1] == port:
                return found
        found.close()
    raise AssertionError(f"no connection to port {port}")


@pytest.mark.requirement("R-151")
@everywhere()
async def test_a_reader_that_waits_makes_the_server_wait(adapter: Adapter) -> None:
    sent = []

    def flood(peer: Peer) -> None:
        peer.request()
        peer.start_chunked()
        peer.sock.settimeout(0.1)
        for _ in range(2000):
            peer.chunk(b"x" * 65536)
            sent.append(65536)

    with Loopback(flood) as server:
        exchange = await adapter.open(server.url())
        assert await exchange.read()
        await asyncio.sleep(0.15)
        assert sum(sent) < 20 * 1024 * 1024
        await exchange.close()


@pytest.mark.requirement("R-043")
@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("-sync")])
def test_one_transport_serves_many_threads(name: str) -> None:
    transport = new_transport(name, **small_pool(3))
    bodies: list[bytes] = []

    def work(url: str) -> None:
        for _ in range(10):
            exchange = transport.open(post(url), Timers())
            bodies.append(b"".join(iter(partial(exchange.read, 5.0), b"")))

    with Loopback() as server:
        threads = [threading.Thread(target=work, args=(server.url(),)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert bodies == [b"{}"] * 80
        assert transport.active() == 0
        assert len(server.peers) <= 80
        transport.close()


@pytest.mark.requirement("R-043")
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # asyncio on the first loop's sockets
@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("-async")])
def test_one_async_transport_serves_event_loops_one_after_another_and_at_once(name: str) -> None:
    with Loopback() as server:
        use_from_three_loops(Adapter(name), server.url())
        assert len(server.requests()) == 9
        gc.collect()  # so that the warnings come here, where they are expected


def use_from_three_loops(adapter: Adapter, url: str) -> None:
    async def work() -> None:
        for _ in range(3):
            assert await adapter.fetch(url) == b"{}"

    asyncio.run(work())
    threads = [threading.Thread(target=asyncio.run, args=(work(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    asyncio.run(adapter.close())


@pytest.mark.requirement("R-044")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform cannot fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@everywhere()
async def test_a_forked_child_works_and_leaves_the_parents_connection_alone(adapter: Adapter) -> None:
    with Loopback() as server:
        await adapter.fetch(server.url())
        child = os.fork()
        if child == 0:
            os._exit(in_child(adapter, server.url()))
        _, status = await asyncio.to_thread(os.waitpid, child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert len(server.peers) >= 2
        before = len(server.peers)
        assert await adapter.fetch(server.url()) == b"{}"
        assert len(server.peers) == before


def in_child(adapter: Adapter, url: str) -> int:
    """0 if the inherited transport and the default one both work; a new thread has its own loop."""
    results: list[bytes] = []

    def work() -> None:
        results.append(asyncio.run(adapter.fetch(url)))
        exchange = default_transport().open(post(url), Timers())
        results.append(exchange.read(2.0))
        exchange = resolve_transport("curl").open(post(url), Timers())
        results.append(exchange.read(2.0))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(5)
    return 0 if results == [b"{}"] * 3 else 1


EXIT = """
import sys
from llm_forge.runtime.transports import HttpRequest, Timers, resolve_transport
transport = resolve_transport(sys.argv[1])
exchange = transport.open(HttpRequest("GET", sys.argv[2], ()), Timers())
print(exchange.read(2.0))
"""


@pytest.mark.parametrize("name", ["curl", "httpx2"])
def test_the_interpreter_exits_with_an_exchange_still_open(name: str) -> None:
    def stream(peer: Peer) -> None:
        peer.request()
        peer.start_chunked()
        peer.chunk(b"one")
        peer.closed_by_client(5.0)

    with Loopback(stream) as server:
        command = [sys.executable, "-c", EXIT, name, server.url()]
        begin = time.monotonic()
        done = subprocess.run(command, capture_output=True, timeout=10, check=False)
        assert (done.returncode, done.stdout.strip(), done.stderr) == (0, b"b'one'", b"")
        assert time.monotonic() - begin < 4.0


@pytest.mark.requirement("R-040")
@pytest.mark.parametrize("name", ["curl-sync", "httpx2-sync"])
def test_proxy_variables_are_honoured_and_netrc_is_not(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / ".netrc").write_text("machine example.invalid login a password b\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    with Loopback() as proxy:
        for variable in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
        transport = new_transport(name)
        exchange = transport.open(HttpRequest("GET", "http://example.invalid/x", ()), Timers())
        assert exchange.read(2.0) == b"{}"
        exchange.close()
        transport.close()
        (received,) = proxy.requests()
        assert received.line == "GET http://example.invalid/x HTTP/1.1"
        assert "authorization" not in received.names()
