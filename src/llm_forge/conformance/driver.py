"""A language's driver program, run as a child process that speaks the protocol.

Rules of this file:
- Answers come in any order and are matched by their number.
- What a driver writes to standard error is kept: its last lines are its last words if it crashes.
- Nothing is left running: `close` ends the child, by force if it does not go by itself.
"""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar

import msgspec

from .protocol import VERSION, CoreAnswer, Hello, RunAnswer, Start, Stop

_LAST_LINES = 12
_GRACE = 5.0

A = TypeVar("A")
Line: TypeAlias = bytes | None


class DriverCrash(Exception):  # noqa: N818 - what happened, not what went wrong in this program
    """The driver ended or said something that is not the protocol; the text is its last words."""


class DriverSilence(DriverCrash):
    """The driver said nothing for too long."""


class Driver:
    """A running driver; start it with a command line and the directory it runs in."""

    def __init__(self, command: Sequence[str], directory: Path, env: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the command comes from our own table of languages
            list(command),
            cwd=directory,
            env=None if env is None else dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._lines: queue.Queue[Line] = queue.Queue()
        self._words: deque[str] = deque(maxlen=_LAST_LINES)
        self._threads = [threading.Thread(target=read, daemon=True) for read in (self._read, self._listen)]
        for thread in self._threads:
            thread.start()

    def start(self, timeout: float) -> Hello:
        """Greet the driver; what it supports. DriverCrash if it cannot even do that."""
        self.send(Start(VERSION))
        hello = _decoded(self._line(timeout), Hello)
        if hello.protocol != VERSION:
            raise DriverCrash(f"the driver speaks protocol {hello.protocol}, this runner speaks {VERSION}")
        return hello

    def send(self, message: msgspec.Struct) -> None:
        """Write one message; DriverCrash if nobody reads."""
        if self._process.stdin is None:
            raise DriverCrash("the driver has no input")
        try:
            self._process.stdin.write(msgspec.json.encode(message) + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise DriverCrash(self.last_words()) from None

    def answer(self, timeout: float) -> RunAnswer | CoreAnswer:
        """The next answer, whichever it is."""
        line = self._line(timeout)
        raw = _decoded(line, dict)
        return _decoded(line, CoreAnswer) if "core" in raw else _decoded(line, RunAnswer)

    def last_words(self) -> str:
        """The end of what the driver wrote to standard error."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)
        for thread in self._threads:
            thread.join(_GRACE)
        said = "\n".join(self._words) or "it said nothing"
        return f"exit code {self._process.poll()}; {said}"

    def close(self) -> None:
        """End the driver."""
        with contextlib.suppress(DriverCrash):
            self.send(Stop())
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._end()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def kill(self) -> None:
        """End the driver now."""
        self._process.kill()

    def _end(self) -> None:
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join(_GRACE)

    def _line(self, timeout: float) -> bytes:
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            raise DriverSilence(f"no answer within {timeout:g} real seconds") from None
        if line is None:
            raise DriverCrash(self.last_words())
        return line

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(line)
        self._lines.put(None)

    def _listen(self) -> None:
        for line in self._process.stderr or ():
            self._words.append(line.decode("utf-8", "replace").rstrip())


def _decoded(line: bytes, kind: type[A]) -> A:
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.MsgspecError as error:
        raise DriverCrash(f"not an answer of the protocol ({error}): {line[:200]!r}") from None
