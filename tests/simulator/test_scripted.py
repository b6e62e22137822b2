"""The scripted server on real sockets."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from llm_forge.simulator import Reply, Route, ScriptedServer

from .wire import fetch, received


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as running:
        yield running


def get(server: ScriptedServer, scenario_url: str, extra: str = "") -> bytes:
    path = scenario_url.removeprefix(server.url)
    return f"GET {path}/x HTTP/1.1\r\nHost: h\r\n{extra}\r\n".encode()


def test_each_attempt_gets_its_own_reply_and_is_recorded(server: ScriptedServer) -> None:
    scenario = server.scenario([Reply(status=500), Reply(json={"ok": True}, times=2)])
    statuses = [fetch(f"{scenario.url}/v1/x?q=1", {"n": n}).status for n in range(4)]
    assert statuses == [500, 200, 200, 418]
    assert scenario.wait_ended()
    assert [record.attempt for record in scenario.records] == [1, 2, 3, 4]
    assert [record.unexpected for record in scenario.records] == [False, False, False, True]
    first = scenario.requests[0]
    assert (first.method, first.path, first.query, first.body) == ("POST", "/v1/x", "q=1", b'{"n": 0}')
    assert first.header("X-API-Key") == "key"
    assert len(scenario.gaps) == 3


def test_scenarios_do_not_see_each_other(server: ScriptedServer) -> None:
    one, two = (
        server.scenario([Reply(text="one", times=None)]),
        server.scenario([Reply(text="two", times=None)]),
    )
    assert [fetch(one.url).body, fetch(two.url).body, fetch(one.url).body] == [b"one", b"two", b"one"]
    assert (len(one.records), len(two.records)) == (2, 1)


def test_routes_have_their_own_queues(server: ScriptedServer) -> None:
    token = Route([Reply(text="token")], method="POST", path="/oauth/*")
    scenario = server.scenario([Reply(text="api")], routes=[token])
    assert fetch(f"{scenario.url}/oauth/token", {}).body == b"token"
    assert fetch(f"{scenario.url}/v1/x").body == b"api"


def test_a_taken_or_odd_scenario_id_is_refused(server: ScriptedServer) -> None:
    server.scenario(id="a")
    for name in ("a", "a/b", "a b"):
        with pytest.raises(ValueError, match="scenario id"):
            server.scenario(id=name)


def test_one_connection_serves_many_requests(server: ScriptedServer) -> None:
    scenario = server.scenario([Reply(text="x", times=3)])
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    for _ in range(3):
        connection.request("GET", scenario.url.removeprefix(server.url))
        assert connection.getresponse().read() == b"x"
    connection.close()
    assert len({request.connection for request in scenario.requests}) == 1


def test_pipelined_requests_are_answered_in_order(server: ScriptedServer) -> None:
    scenario = server.scenario([Reply(text="first"), Reply(text="second")])
    data = get(server, scenario.url) + get(server, scenario.url, "Connection: close\r\n")
    got, how = received(server.port, data)
    assert (got.count(b"HTTP/1.1 200"), got.endswith(b"second"), how) == (2, True, "closed")


def test_a_reset_arrives_as_a_reset_after_the_bytes_before_it(server: ScriptedServer) -> None:
    scenario = server.scenario([Reply(events=["abc"], end="reset")])
    got, how = received(server.port, get(server, scenario.url))
    assert (got.endswith(b"3\r\nabc\r\n"), how) == (True, "reset")


def test_a_drop_before_any_byte_is_possible_both_ways(server: ScriptedServer) -> None:
    scenario = server.scenario([Reply(raw=b"", end="reset"), Reply(raw=b"", end="close")])
    assert received(server.port, get(server, scenario.url)) == (b"", "reset")
    assert received(server.port, get(server, scenario.url)) == (b"", "closed")


def test_a_half_close_ends_our_direction_and_keeps_reading(server: ScriptedServer) -> None:
    scenario = server.scenario([Reply(text="x", end="half-close")])
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(get(server, scenario.url))
        got = b""
        while piece := client.recv(65536):
            got += piece
        client.sendall(b"still here")
        client.sendall(b"and here")
        assert got.endswith(b"x")
        assert scenario.records[0].outcome == "open"
    assert scenario.wait_ended()
    assert scenario.records[0].outcome == "complete"


def test_the_moment_a_client_leaves_a_silent_stream_is_known(server: ScriptedServer) -> None:
    scenario = server.scenario([Reply(events=["data: x\n\n"], end="stall")])
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(get(server, scenario.url))
        assert client.recv(65536)
        left = time.monotonic()
    assert scenario.wait_ended()
    record = scenario.records[0]
    assert record.outcome == "client-closed"
    assert record.client_closed_at is not None
    assert 0 <= record.client_closed_at - left < 0.1


def test_a_stall_can_end_by_itself(server: ScriptedServer) -> None:
    scenario = server.scenario([Reply(text="x", end="stall", stall=0.03)])
    begun = time.monotonic()
    assert received(server.port, get(server, scenario.url))[1] == "closed"
    assert time.monotonic() - begun >= 0.03
    assert scenario.wait_ended()
    assert scenario.records[0].outcome == "complete"


def test_pieces_arrive_apart_when_there_is_a_pause(server: ScriptedServer) -> None:
    scenario = server.scenario([Reply(text="abc", split=1, pause=0.01)])
    begun = time.monotonic()
    assert fetch(scenario.url).body == b"abc"
    assert time.monotonic() - begun >= 0.02


def test_a_port_of_its_own_can_refuse_and_accept(server: ScriptedServer) -> None:
    scenario = server.scenario([Reply(text="x", times=None)], own_port=True, accepting=False)
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            fetch(scenario.url)
        scenario.accept()
        assert fetch(scenario.url).body == b"x"
        scenario.refuse()


def test_a_reply_can_be_followed_by_refusals(server: ScriptedServer) -> None:
    scenario = server.scenario([Reply(text="x", refuse_after=0.05), Reply(text="y")], own_port=True)
    assert fetch(scenario.url).body == b"x"
    with pytest.raises(ConnectionRefusedError):
        fetch(scenario.url)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            assert fetch(scenario.url).body == b"y"
            return
        except ConnectionRefusedError:
            time.sleep(0.01)
    pytest.fail("the port never opened again")


def test_templates_echo_the_request_and_know_other_origins(server: ScriptedServer) -> None:
    reply = Reply(text="{{header:authorization}} {{attempt}} {{other}}", template=True)
    scenario = server.scenario([reply], variables={"other": "http://elsewhere"})
    assert fetch(scenario.url).body == b"Bearer key 1 http://elsewhere"


def test_a_request_that_is_not_http_gets_400(server: ScriptedServer) -> None:
    got, how = received(server.port, b"NONSENSE\r\n\r\n")
    assert (got.startswith(b"HTTP/1.1 400"), how) == (True, "closed")


def test_expect_continue_is_answered(server: ScriptedServer) -> None:
    scenario = server.scenario([Reply(text="x")])
    path = scenario.url.removeprefix(server.url)
    head = f"POST {path} HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(head.encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 100")
        client.sendall(b"{}")
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
    assert scenario.requests[0].body == b"{}"


def test_it_runs_many_times_in_one_process_and_leaves_nothing() -> None:
    before = set(threading.enumerate())
    for _ in range(20):
        with ScriptedServer() as server:
            scenario = server.scenario([Reply(text="x"), Reply(events=["x"], end="stall")])
            assert fetch(scenario.url).body == b"x"
            hanging = socket.create_connection(("127.0.0.1", server.port))
            hanging.sendall(get(server, scenario.url))
            assert scenario.wait_requests(2)
            port = server.port
        assert hanging.recv(65536)
        hanging.close()
        assert scenario.records[1].outcome == "server-stopped"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
    assert set(threading.enumerate()) == before


def test_stopping_twice_and_using_it_stopped_is_clear() -> None:
    server = ScriptedServer()
    with pytest.raises(RuntimeError, match="not running"):
        server.url  # noqa: B018 - the property raises
    server.start()
    server.stop()
    server.stop()


def test_a_taken_port_is_an_os_error() -> None:
    with ScriptedServer() as server, pytest.raises(OSError, match="in use"):
        ScriptedServer(port=server.port).start()


def test_connections_are_counted_and_can_be_dropped(server: ScriptedServer) -> None:
    scenario = server.scenario([Reply(text="x")])
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("GET", scenario.url.removeprefix(server.url))
    assert connection.getresponse().read() == b"x"
    assert server.server.open_connections == 1
    server.server.drop_connections()
    assert connection.sock.recv(1) == b""
    connection.close()
    assert server.server.accepted_connections == 1


def test_a_port_can_open_by_itself_after_a_while(server: ScriptedServer) -> None:
    scenario = server.scenario([Reply(text="x")], own_port=True, accepting=False)
    scenario.accept(after=0.03)
    with pytest.raises(ConnectionRefusedError):
        fetch(scenario.url)
    time.sleep(0.06)
    assert fetch(scenario.url).body == b"x"


def test_a_port_that_would_open_later_does_not_keep_the_server() -> None:
    with ScriptedServer() as server:
        server.scenario(own_port=True, accepting=False).accept(after=60)


def test_refusing_needs_a_port_of_its_own(server: ScriptedServer) -> None:
    with pytest.raises(ValueError, match="own_port=True"):
        server.scenario().refuse()


def test_a_port_of_a_stopped_server_says_so() -> None:
    with ScriptedServer() as server:
        scenario = server.scenario(own_port=True, accepting=False)
    with pytest.raises(RuntimeError, match="not running"):
        scenario.accept()
