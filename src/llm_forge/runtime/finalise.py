"""What finalisers of streams and exchanges do, without ever waiting for a lock their thread holds.

A stream that nobody closed gives its permits and its connection back in `__del__`, which takes locks.
The garbage collector may run `__del__` in the middle of code that holds one of them, ours or a library's,
and the thread would wait for itself. So inside a collection the work goes to another thread, which can
wait; in all other cases, such as the last reference going away, it is done in place.
"""

from __future__ import annotations

import _thread
import contextlib
import gc
import os
from collections.abc import Callable
from queue import SimpleQueue

Work = Callable[[], object]

_collecting_in: int | None = None
_queue: SimpleQueue[Work] = SimpleQueue()  # its put may be called from a finaliser
_worker_of: int | None = None


def finalise(work: Work) -> None:
    """Do `work` now or, inside a garbage collection, soon on another thread; its errors end with it."""
    if _collecting_in != _thread.get_ident():
        _quietly(work)
        return
    _queue.put(work)
    _start_worker()


def _start_worker() -> None:
    global _worker_of
    if _worker_of != os.getpid():
        _worker_of = os.getpid()
        # Not threading.Thread: starting one takes locks that the collected thread may hold.
        _thread.start_new_thread(_work_forever, ())


def _work_forever() -> None:
    while True:
        _quietly(_queue.get())


def _quietly(work: Work) -> None:
    with contextlib.suppress(Exception):
        work()


def _note_collection(phase: str, _: dict[str, int]) -> None:
    global _collecting_in
    _collecting_in = _thread.get_ident() if phase == "start" else None


gc.callbacks.append(_note_collection)
