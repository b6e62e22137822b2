"""A slow hook on a thread of its own (R-234)."""

from __future__ import annotations

import queue
import threading

from .events import Event, Hook


class BackgroundHook:
    """Calls a hook on another thread, so that no call waits for it: `on_event=BackgroundHook(slow)`.

    At most `capacity` events wait; what comes while the queue is full is dropped and counted in `dropped`,
    what the hook raises is counted in `failures`. The thread starts with the first event and ends with the
    process, or with `close`.
    """

    def __init__(self, hook: Hook, capacity: int = 1000) -> None:
        self.dropped = 0
        self.failures = 0
        self._hook = hook
        self._waiting: queue.Queue[Event | None] = queue.Queue(capacity)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def __call__(self, event: Event) -> None:
        """Put an event into the queue, or count it as dropped."""
        with self._lock:
            try:
                if self._closed:
                    raise queue.Full
                self._waiting.put_nowait(event)
            except queue.Full:
                self.dropped += 1
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="llm_forge hook", daemon=True)
                self._thread.start()

    def close(self, timeout: float | None = 5.0) -> None:
        """Take no more events and wait for those in the queue, so many seconds at most."""
        with self._lock:
            self._closed = True
            thread, self._thread = self._thread, None
        if thread is not None:
            self._finish(thread, timeout)

    def _finish(self, thread: threading.Thread, timeout: float | None) -> None:
        try:
            self._waiting.put(None, timeout=timeout)
        except queue.Full:
            return  # the hook hangs; its thread is a daemon and holds nobody up
        thread.join(timeout)

    def _work(self) -> None:
        while (event := self._waiting.get()) is not None:
            try:
                self._hook(event)
            except Exception:  # noqa: BLE001 - a hook may raise anything
                self.failures += 1
