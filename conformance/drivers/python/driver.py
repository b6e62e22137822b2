"""The Python driver: `driver.py --mode sync|async --transport curl|httpx2`.

Reads the conformance protocol on standard input and answers on standard output, out of order where
scenarios overlap. See conformance/README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import sys
import threading
from typing import Any

import core_functions
from first_call import warm_up
from outcomes import LogNotes
from scenarios import AsyncRun, BlockingRun, MainThread

PROTOCOL = 1
SUPPORTS = [
    "unary",
    "streams",
    "concurrency",
    "cancel",
    "flowing-clock",
    "environment",
    "local-limits",
    "breaker-options",
    "key-source",
    "mutation",
    "paths",
    "auth",
    "files",
    "middleware",
    "events",
    "wall-clock",
    "enclosing-deadlines",
    "closing",
    "home",
    "tls",
    "pool",
    "half-surrogates",
    "descriptor",
    "circuits",
    "limit-status",
    "hedging",
    "stream-files",
    "uploads",
    "downloads",
    "pages",
    *(f"core.{name}" for name in core_functions.FUNCTIONS),
]


class Driver:
    """Answers messages until `stop` or the end of the input."""

    def __init__(self, mode: str, transport: str) -> None:
        self.main = MainThread()
        self._mode = mode
        self._transport = transport
        self._logs = LogNotes()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writing = threading.Lock()
        self._turn = asyncio.Lock()

    def serve(self) -> None:
        """Answer everything; the main thread stays free for calls that are cancelled."""
        logging.basicConfig(level=logging.DEBUG, handlers=[self._logs])
        thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        thread.start()
        self.main.run()
        thread.join()

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while line := await loop.run_in_executor(None, sys.stdin.readline):
                message = json.loads(line)
                if "stop" in message:
                    break
                self._take(message)
            await asyncio.gather(*self._tasks)
        finally:
            self.main.put(None)

    def _take(self, message: dict[str, Any]) -> None:
        if "start" in message:
            supports = dict.fromkeys(SUPPORTS, True)
            self._say({"protocol": PROTOCOL, "language": "python", "supports": supports})
        elif "core" in message:
            self._say({"core": message["core"], **core_functions.answer(message["fn"], message["input"])})
        else:
            task = asyncio.get_running_loop().create_task(self._run(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, message: dict[str, Any]) -> None:
        if self._mode == "async":
            self._say(await AsyncRun(message, self._transport, self._logs).run())
            return
        # There is one main thread, so scenarios with a cancelled blocking call take turns.
        async with self._turn if _cancels(message) else contextlib.nullcontext():
            self._say(await BlockingRun(message, self._transport, self._logs, self.main).run())

    def _say(self, answer: dict[str, Any]) -> None:
        with self._writing:
            sys.stdout.write(json.dumps(answer, ensure_ascii=True) + "\n")
            sys.stdout.flush()


def _cancels(message: dict[str, Any]) -> bool:
    return any(step.get("during", {}).get("do") == "cancel" for step in message["steps"])


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", choices=["sync", "async"], required=True)
    parser.add_argument("--transport", choices=["curl", "httpx2"], required=True)
    arguments = parser.parse_args()
    warm_up(arguments.mode, arguments.transport)
    Driver(arguments.mode, arguments.transport).serve()


if __name__ == "__main__":
    main()
