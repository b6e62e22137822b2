"""Transport over libcurl (package pycurl), sync and async: the default where pycurl can be imported.

Rules and how they are kept:
- A request carries what it was given and what HTTP itself needs: no redirect, cookie, netrc, decoding,
  `Expect` or header of libcurl's own (`request.py`).
- libcurl would by itself send again on a new connection when a reused one was dead. The second connection
  is refused (`Handle`), so that the call loop decides (R-038): `once` operations are never sent twice.
- Taking a handle out of its multi handle ends its exchange at once: close, time-out and cancellation are
  that one step (R-045, R-057).
- Blocking: a `Lane` is one multi handle with at most one connection, used by one exchange at a time and so
  by one thread at a time. asyncio: one multi handle per event loop (`Engine`) on the loop's own readers.
- In a forked child nothing of the parent's is touched, not even to clean it up (R-044, `inherited.py`).
- What a callback raises, a Ctrl-C above all, leaves libcurl's step; a lane that it came through is closed.
"""

from __future__ import annotations

from .blocking import CurlTransport
from .loops import CurlAsyncTransport

__all__ = ["CurlAsyncTransport", "CurlTransport"]
