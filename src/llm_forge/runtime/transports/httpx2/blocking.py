"""Exchanges over httpx2 on the calling thread."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from functools import partial

import httpx2 as lib

from ....core.errors import ClientClosedError, ConfigError
from ...abort import abortable
from ...finalise import finalise
from ..limits import DEFAULT_NETWORK
from ..protocol import HttpRequest, Network, Timers
from ..slots import Slot, Slots
from .backend import CURRENT, Operation, shut_down, spoil_if_more_came
from .clients import new_client
from .exchange import Opened, closed_while_read, prepare
from .faults import FOREIGN, TIMEOUTS, fault_before_headers, fault_in_body


class Httpx2Exchange(Opened):
    """An open response of `Httpx2Transport`."""

    def __init__(
        self, response: lib.Response, times: dict[str, float | None], slots: Slots, slot: Slot
    ) -> None:
        super().__init__(response, times, slots, slot)
        if not isinstance(response.stream, lib.SyncByteStream):
            raise ConfigError("The transport answered with an async stream on a sync client.")
        self._chunks = iter(response.stream)
        self._reading = False

    def read(self, timeout: float | None) -> bytes:
        """The next chunk, b"" at the end; after a TimeoutError the exchange is spoiled."""
        if not self._readable():
            return b""
        self._begin(timeout)
        token = CURRENT.set(self._operation)
        self._reading = True
        try:
            return self._next()
        except TIMEOUTS as error:
            self._finish(reusable=False)
            raise TimeoutError from error
        except FOREIGN as error:
            self._finish(reusable=False)
            raise (closed_while_read() if self._closing else fault_in_body(error)) from error
        except BaseException:
            self._finish(reusable=False)
            raise
        finally:
            self._reading = False
            CURRENT.reset(token)

    def close(self) -> None:
        """End the exchange; from another thread, also the read under way."""
        if not self._reading:
            self._finish(reusable=False)
            return
        self._closing = True
        stream = self._response.extensions.get("network_stream")
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    def __del__(self) -> None:
        if hasattr(self, "_chunks"):
            finalise(partial(self._finish, reusable=False))

    def _next(self) -> bytes:
        for chunk in self._chunks:
            if chunk:
                return chunk
        if self._closing:
            self._finish(reusable=False)
            raise closed_while_read()
        spoil_if_more_came(self._response)
        self._finish(reusable=True)
        return b""

    def _finish(self, *, reusable: bool) -> None:
        if self._release(reusable=reusable):
            with contextlib.suppress(*FOREIGN):
                self._response.close()


class Httpx2Transport:
    """Opens exchanges on the calling thread; used from many threads at once.

    `client` is a user's own httpx2.Client (its proxies, mounts, TLS and event hooks apply, its cookies,
    default headers and base URL do not); it is closed by its owner, and `network` gives its pool only.
    """

    def __init__(
        self,
        network: Network = DEFAULT_NETWORK,
        client: lib.Client | None = None,
    ) -> None:
        self._limits = network.pool
        self._slots = Slots(network.pool)
        self._own = client is None
        self._build = partial(new_client, network)
        self._client = client
        self._closed = False
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def open(self, request: HttpRequest, timers: Timers) -> Httpx2Exchange:
        """The response once its headers arrived; raises as the timers of `Timers` say."""
        client = self._usable()
        slot = self._slots.acquire(request.url, timers.pool)
        try:
            return self._send(client, request, timers, slot)
        except BaseException:
            self._slots.release(slot)
            raise

    def active(self) -> int:
        """Exchanges open now (R-045)."""
        return self._slots.active()

    def close(self) -> None:
        """End all connections, also under a read of another thread; a user's own client stays open."""
        with self._lock:
            self._closed = True
            client = self._client if self._own else None
        if client is not None and self._pid == os.getpid():
            shut_down(client)
            client.close()

    def _usable(self) -> lib.Client:
        if self._pid != os.getpid():
            self._start_over()
        with self._lock:
            if self._closed:
                raise ClientClosedError("The client is closed.")
            if self._client is None:
                self._client = self._build()
            if self._client.is_closed:
                raise ClientClosedError("The httpx2 client is closed.")
            return self._client

    def _start_over(self) -> None:
        """In a forked child: the parent's sockets, locks and counts are not ours (R-044)."""
        self._pid, self._lock, self._slots = os.getpid(), threading.Lock(), Slots(self._limits)
        if self._own:
            self._client = None

    def _send(self, client: lib.Client, request: HttpRequest, timers: Timers, slot: Slot) -> Httpx2Exchange:
        prepared, times = prepare(request, timers)
        operation = Operation.within(timers.response)
        token = CURRENT.set(operation)
        try:
            with abortable(operation.abort):
                response = client.send(prepared, stream=True, follow_redirects=False)
        except FOREIGN as error:
            stale = self._own and operation.stale
            raise fault_before_headers(error, stale=stale, timers=timers) from error
        finally:
            CURRENT.reset(token)
        try:
            return Httpx2Exchange(response, times, self._slots, slot)
        except BaseException:
            response.close()
            raise
