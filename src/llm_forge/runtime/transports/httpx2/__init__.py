"""Transport over httpx2, sync and async: users' own clients, transports and mocks, forked children.

Rules and how they are kept:
- A request object is built without the client's defaults, so no cookie, no user agent and no accepted
  encoding of httpx2 reaches the wire; the body is taken from the raw stream, before any decoding.
- httpx2 has one read timer per response. The clients built here get a network backend
  (`backend.Operation`) that gives every single read the time left, and that knows whether a connection
  was new. A user's own client keeps its own network layer: there, later reads keep the timer of the
  first read, and a lost reused connection counts as an attempt.
- A read that timed out has spoiled its connection: reading again raises ConnectionLostError.
- An AsyncClient's connections belong to one event loop, so there is one client per loop (R-043).
"""

from __future__ import annotations

from .blocking import Httpx2Transport
from .loops import Httpx2AsyncTransport

__all__ = ["Httpx2AsyncTransport", "Httpx2Transport"]
