"""Runs a scenario's steps against one client, blocking or asyncio.

Rules of this file:
- The steps themselves run in asyncio; blocking calls run in threads of their own, and those that are
  cancelled on the main thread, because Ctrl-C is how a blocking Python call is cancelled.
- Whoever is awake holds a token of the clock. A step hands its token to its call and takes it back, so
  that the clock never jumps between two steps.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import io
import os
import queue
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import clocks
from outcomes import (
    CURRENT,
    CallerError,
    LogNotes,
    Record,
    error_fact,
    note_event,
    note_sleep,
    outcome,
    shown_of,
)
from recorders import AsyncRecorder, Recorder

import llm_forge
from llm_forge import deadline
from llm_forge.core.breaker import BreakerSettings
from llm_forge.core.errors import ForgeError
from llm_forge.core.limiter import Limit
from llm_forge.core.profile import Operation

_LINES = Operation("lines", "GET", "", lambda line: line, answer="lines", accept="application/jsonl")
CLASSES = {"openai": "OpenAI", "anthropic": "Anthropic", "groq": "Groq", "mistral": "Mistral"}
_ENVIRONMENT = threading.Lock()
_FAREWELL = 0.03
_PATIENCE = 1.0  # real seconds until Ctrl-C is pressed again
_UPLOADS = tempfile.TemporaryDirectory()  # removed when the driver ends


class MainThread:
    """Work for the main thread, where Ctrl-C arrives."""

    def __init__(self) -> None:
        self._jobs: queue.Queue[Callable[[], None] | None] = queue.Queue()

    def put(self, job: Callable[[], None] | None) -> None:
        """Add a job; None ends `run`."""
        self._jobs.put(job)

    def run(self) -> None:
        """Do jobs until there are no more; call it from the main thread."""
        while True:
            try:
                job = self._jobs.get()
                if job is None:
                    return
                job()
            except KeyboardInterrupt:
                continue  # a Ctrl-C that came after its call had ended

    def interrupt(self, over: threading.Event) -> None:
        """Press Ctrl-C, as people do until it helps: Python loses one that arrives inside a finaliser."""
        while not over.is_set():
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            over.wait(_PATIENCE)


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """Environment variables for as long as a client is built; one at a time in this process."""
    with _ENVIRONMENT:
        before = {name: os.environ.get(name) for name in values}
        os.environ.update(values)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def client_options(
    message: dict[str, Any], clock: clocks.VirtualClock, transport: str, prefix: str
) -> dict[str, Any]:
    """A client's options, with those that are objects in Python made from their JSON."""
    options = dict(message.get("options", {}))
    if "limits" in options:
        options["limits"] = [Limit(**limit) for limit in options["limits"]]
    if "breaker" in options:
        options["breaker"] = BreakerSettings(**options["breaker"])
    if "pool" in options:
        options["pool"] = llm_forge.PoolLimits(**options["pool"])
    if message.get("keys"):
        keys = iter(message["keys"])
        options["api_key"] = lambda: next(keys)
    if isinstance(options.get("auth"), dict):
        options["auth"] = _auth(**options["auth"])
    kind = AsyncRecorder if prefix else Recorder
    options["middleware"] = [kind(**told) for told in message.get("middleware", [])]
    chance = message.get("random", 1.0)
    options |= {"clock": clock, "random": lambda: chance, "on_event": note_event, "transport": transport}
    return options


_AUTH = {
    "api-key": llm_forge.ApiKey,
    "bearer": llm_forge.Bearer,
    "basic": llm_forge.Basic,
    "oauth2": llm_forge.OAuth2,
}


def _auth(kind: str, **facts: Any) -> Any:
    """The object that an auth option means."""
    return _AUTH[kind](**facts)


@contextmanager
def files(values: dict[str, str]) -> Iterator[Path]:
    """A folder with files, for as long as a scenario runs."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in values.items():
            (Path(folder) / name).write_text(text, encoding="utf-8", newline="")
        yield Path(folder)


@contextmanager
def home(values: dict[str, str]) -> Iterator[None]:
    """A home folder with files, for as long as a scenario runs alone; none leaves the home as it is."""
    if not values:
        yield
        return
    before = {name: os.environ.get(name) for name in ("HOME", "USERPROFILE")}
    with files(values) as folder:
        os.environ.update(dict.fromkeys(before, str(folder)))
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


def with_files(options: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Options in which `{file: name}` has become the path of that file."""
    return {
        name: folder / value["file"] if isinstance(value, dict) and value.keys() == {"file"} else value
        for name, value in options.items()
    }


_BEYOND_JSON = {
    "nan": float("nan"),
    "infinity": float("inf"),
    "-infinity": float("-inf"),
    "half-surrogate": "half \ud83d of a pair",
}


def said(value: Any) -> Any:
    """What a caller passes in, with the values that JSON has no word for."""
    if isinstance(value, dict):
        if value.keys() == {"beyond_json"}:
            return _BEYOND_JSON[value["beyond_json"]]
        if "upload" in value:
            return upload(value)
        return {name: said(entry) for name, entry in value.items()}
    return [said(entry) for entry in value] if isinstance(value, list) else value


def upload(told: dict[str, Any]) -> llm_forge.Upload:
    """A file as the scenario tells it."""
    data, kind = told["upload"].encode(), told.get("as", "bytes")
    content: Any = data
    if kind == "iterator":
        content = iter([data[:2], data[2:]])
    elif kind == "file":
        content = io.BytesIO(data)
        content.seek(told.get("position", 0))
    elif kind == "path":
        with tempfile.NamedTemporaryFile(dir=_UPLOADS.name, delete=False) as file:
            file.write(data)
        content = Path(file.name)
    return llm_forge.Upload(content, file_name=told.get("name"))


def _replaying(client: Any, replay: str) -> Any:
    """The client with every operation of that replay class."""
    call, stream = client.call, client.stream
    client.call = lambda operation, **given: call(replace(operation, replay=replay), **given)
    client.stream = lambda operation, **given: stream(replace(operation, replay=replay), **given)
    return client


def mutate(value: Any) -> None:
    """Change what a caller passed in, everywhere it can be changed."""
    if isinstance(value, list):
        for entry in value:
            mutate(entry)
        value.append({"role": "user", "content": "mutated"})
    elif isinstance(value, dict):
        for name, entry in value.items():
            if isinstance(entry, str):
                value[name] = "mutated"
            mutate(entry)


def _counted(line: Any, record: Record) -> Any:
    record.events += 1
    return line


class ScenarioRun:
    """One scenario with one client; subclasses say how a call is made."""

    def __init__(self, message: dict[str, Any], transport: str, logs: LogNotes) -> None:
        told = message.get("clock", {})
        scale = told.get("scale")
        self.clock = self.make_clock(scale, told.get("wall", 1_800_000_000.0), note_sleep)
        self.clock.jump = told.get("jump", True)
        self.message = message
        self.transport = transport
        self.client: Any = None
        self.shown: list[str] = []
        self._logs = logs
        self._calls: list[asyncio.Task[dict[str, Any]]] = []
        self._tokens: dict[asyncio.Task[Any], None] = {}

    make_clock: Any = None
    prefix = ""

    async def run(self) -> dict[str, Any]:
        """The scenario's answer."""
        with files(self.message.get("files", {})) as folder:
            self.message["options"] = with_files(self.message.get("options", {}), folder)
            with home(self.message.get("home", {})):
                return await self._answer()

    async def _answer(self) -> dict[str, Any]:
        answer: dict[str, Any] = {"call": self.message["call"]}
        try:
            self.client = self._build()
        except Exception as error:  # noqa: BLE001 - whatever it is, the runner judges it
            self.shown.append(shown_of(error))
            answer["error"] = error_fact(error)
        else:
            answer["outcomes"] = await self._steps()
            answer |= self._states()
            self.shown.append(f"{self.client!r} {vars(self.client)!r}")
        strays, self._logs.stray = self._logs.stray, []
        answer["shown"] = "\n".join([*self.shown, *strays])
        return answer

    def _build(self) -> Any:
        cls = getattr(llm_forge, self.prefix + CLASSES[self.message["provider"]])
        options = client_options(self.message, self.clock, self.transport, self.prefix)
        described = self.message.get("descriptor") or {}
        facts = {name: value for name, value in described.items() if name != "replay"}
        if facts:
            cls = type(cls.__name__, (cls,), {"profile": replace(cls.profile, **facts)})
        with environment(self.message.get("env", {})):
            client = cls(base_url=self.message.get("base_url"), **options)
        return _replaying(client, described["replay"]) if "replay" in described else client

    def _states(self) -> dict[str, Any]:
        """What the calls left behind in circuits and limits."""
        limits = self.client.rate_limit_status()
        return {
            "circuits": {name: circuit.state for name, circuit in self.client.circuits().items()},
            "limits": {name: [asdict(one) for one in found] for name, found in limits.items()},
        }

    async def _steps(self) -> list[dict[str, Any]]:
        self.clock.begin()
        for step in self.message["steps"]:
            if step["do"] == "wait":
                await self.wait(step["seconds"])
            elif step["do"] == "wall":
                self.clock.jump_wall(step["seconds"])
            elif step["do"] == "switch":
                self._switch(step)
            elif step["do"] == "close":
                await self.close()
            else:
                await self._call_step(step)
        self.clock.end()
        outcomes = await asyncio.gather(*self._calls)
        await self.close()
        return outcomes

    async def _call_step(self, step: dict[str, Any]) -> None:
        times = step.get("times", 1)
        if step.get("background"):
            for _ in range(times):
                self.clock.begin()
                self._start(step, lambda: self.clock.end())
            return
        if not step.get("together"):
            for _ in range(times):
                await self._start(step, lambda: None)
            return
        for _ in range(times - 1):
            self.clock.begin()
        left = [times]
        started = [self._start(step, lambda: self._one_less(left)) for _ in range(times)]
        await asyncio.gather(*started)

    def _switch(self, step: dict[str, Any]) -> None:
        resource, constant = step["operation"].rpartition(".")[0], step["operation"].upper()
        home = f"{self.message['provider']}.resources.{resource.replace('.', '_')}"
        operation = getattr(import_module(f"llm_forge.clients.{home}"), constant.replace(".", "_"))
        circuit = self.client.circuit(operation.group)
        {"force-open": circuit.force_open, "disable": circuit.disable, "reset": circuit.reset}[step["to"]]()

    def _one_less(self, left: list[int]) -> None:
        """A call of a group is over; the last one's token goes back to the step."""
        left[0] -= 1
        if left[0]:
            self.clock.end()

    def _start(self, step: dict[str, Any], over: Callable[[], None]) -> asyncio.Task[dict[str, Any]]:
        task = asyncio.get_running_loop().create_task(self._call(step, over))
        self._calls.append(task)
        return task

    async def _call(self, step: dict[str, Any], over: Callable[[], None]) -> dict[str, Any]:
        record = Record(self.clock)
        CURRENT.set(record)
        started = self.clock.now()
        result, failure = None, None
        try:
            with deadline(step["within"], clock=self.clock) if "within" in step else nullcontext():
                result = await self.call(step, record)
        except BaseException as error:  # noqa: BLE001 - the runner judges every way a call can end
            failure = error
            record.shown.append(shown_of(error))
        told = outcome(record, started, result, failure)
        self.shown += record.shown
        over()
        return told

    def _method(self, step: dict[str, Any]) -> Callable[..., Any]:
        if step.get("read", {}).get("to") == "lines":
            return self._lines
        *path, name = step["operation"].split(".")
        owner = self.client
        for part in path:
            owner = getattr(owner, part)
        method: Callable[..., Any] = getattr(owner, "stream" if step.get("stream") is not None else name)
        return method

    def _lines(self, url: str, **options: Any) -> Any:
        """Lines from a URL, as an operation that answers with lines gives them."""
        return self.client.lines(_LINES, url=url, options=options)

    async def wait(self, seconds: float) -> None:
        """Let virtual time pass."""
        raise NotImplementedError

    async def call(self, step: dict[str, Any], record: Record) -> Any:
        """Make one call to its end; its result."""
        raise NotImplementedError

    async def close(self) -> None:
        """Close the client."""
        raise NotImplementedError


class BlockingRun(ScenarioRun):
    """Calls in threads."""

    make_clock = clocks.ThreadClock

    def __init__(self, message: dict[str, Any], transport: str, logs: LogNotes, main: MainThread) -> None:
        super().__init__(message, transport, logs)
        self._main = main

    async def wait(self, seconds: float) -> None:
        """Let virtual time pass."""
        await self._in_thread(lambda: self.clock.sleep(seconds))

    async def close(self) -> None:
        """Close the client."""
        await self._in_thread(self.client.close)

    async def call(self, step: dict[str, Any], record: Record) -> Any:
        """Make one call to its end; its result."""
        arguments = said({**step.get("args", {}), **step.get("options", {})})
        during = step.get("during")

        def work() -> Any:
            answer = self._method(step)(**arguments)
            if "read" in step:
                return self._read(answer, step["read"], record)
            how = step.get("stream")
            return answer if how is None else self._consume([answer], how, record)

        if during is None:
            return await self._in_thread(work)
        if during["do"] == "cancel":
            return await self._in_thread(work, on_main=True, cancel_at=during["at"])
        take_back = self.clock.watch(during["at"], lambda: mutate(arguments))
        try:
            return await self._in_thread(work)
        finally:
            take_back()

    async def _in_thread(
        self, work: Callable[[], Any], *, on_main: bool = False, cancel_at: float = 0.0
    ) -> Any:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        context, over = contextvars.copy_context(), threading.Event()

        def job() -> None:
            press = partial(self._main.interrupt, over)
            take_back = self.clock.watch(cancel_at, press, hold=True) if on_main else None
            try:
                settle, value = future.set_result, context.run(work)
                over.set()
            except BaseException as error:  # noqa: BLE001 - handed to whoever awaits it
                over.set()
                settle, value = future.set_exception, error
            if take_back is not None:
                take_back()
            if isinstance(value, KeyboardInterrupt):
                value = asyncio.CancelledError()
                settle = future.set_exception
            loop.call_soon_threadsafe(settle, value)

        if on_main:
            self._main.put(job)
        else:
            threading.Thread(target=job, daemon=True).start()
        return await future

    def _read(self, answer: Any, how: dict[str, Any], record: Record) -> Any:
        if how["to"] == "bytes":
            return answer.read().decode()
        if how["to"] == "lines":
            return [_counted(line, record) for line in answer]
        if how["to"] == "items":
            limit = how.get("pages")
            if limit is None:
                return list(answer)
            return [item for one in answer.pages(limit) for item in one.data]
        with record.folder() as target:
            return answer.to_file(target).name

    def _consume(self, held: list[Any], how: dict[str, Any], record: Record) -> Any:
        if "abandon_after" in how:
            return self._abandon(held, how["abandon_after"], record)
        stream = held.pop()
        if how.get("to_file"):
            with record.folder() as target:
                return stream.to_file(_story(target, how))
        try:
            with stream:
                for _ in stream:
                    record.events += 1
                    if _reached(how, record.events):
                        stream.close()
                        return None
                    if how.get("sleep_each"):
                        self.clock.sleep(how["sleep_each"])
        finally:
            record.completion = stream.completion
        record.synthesised = stream.synthesised
        if how.get("again"):
            try:
                next(iter(stream))
            except ForgeError as error:
                record.second = error_fact(error)
        return stream.result()

    def _abandon(self, held: list[Any], after: int, record: Record) -> None:
        for _ in held[0]:
            record.events += 1
            if record.events == after:
                break
        held.clear()
        gc.collect()


def _story(target: Path, how: dict[str, Any]) -> Path:
    """The file that a stream is written to, as it is before."""
    path = target / "story.txt"
    if "before" in how:
        path.write_text(how["before"], encoding="utf-8")
    return path


def _reached(how: dict[str, Any], events: int) -> bool:
    """Whether the consumer leaves now; CallerError if it leaves by raising."""
    if events == how.get("raise_after"):
        raise CallerError("the caller's own")
    return events == how.get("close_after")


class AsyncRun(ScenarioRun):
    """Calls in tasks."""

    make_clock = clocks.LoopClock
    prefix = "Async"

    async def wait(self, seconds: float) -> None:
        """Let virtual time pass."""
        await self.clock.asleep(seconds)

    async def close(self) -> None:
        """Close the client."""
        await self.client.close()

    async def call(self, step: dict[str, Any], record: Record) -> Any:
        """Make one call to its end; its result."""
        arguments = said({**step.get("args", {}), **step.get("options", {})})
        task = asyncio.ensure_future(self._work(step, arguments, record))
        during = step.get("during")
        if during is None:
            return await task
        cancels = during["do"] == "cancel"
        action = task.cancel if cancels else lambda: mutate(arguments)
        take_back = self.clock.watch(during["at"], action, hold=cancels)
        try:
            return await task
        finally:
            take_back()

    async def _work(self, step: dict[str, Any], arguments: dict[str, Any], record: Record) -> Any:
        answer = self._method(step)(**arguments)
        if "read" in step:
            return await self._read(answer, step["read"], record)
        how = step.get("stream")
        return await answer if how is None else await self._consume([answer], how, record)

    async def _read(self, answer: Any, how: dict[str, Any], record: Record) -> Any:
        if how["to"] == "bytes":
            return (await answer.read()).decode()
        if how["to"] == "lines":
            return [_counted(line, record) async for line in answer]
        if how["to"] == "items":
            limit = how.get("pages")
            if limit is None:
                return [item async for item in answer]
            return [item async for one in answer.pages(limit) for item in one.data]
        with record.folder() as target:
            return (await answer.to_file(target)).name

    async def _consume(self, held: list[Any], how: dict[str, Any], record: Record) -> Any:
        if "abandon_after" in how:
            await self._abandon(held, how["abandon_after"], record)
            return None
        stream = held.pop()
        if how.get("to_file"):
            with record.folder() as target:
                return await stream.to_file(_story(target, how))
        try:
            async with stream:
                async for _ in stream:
                    record.events += 1
                    if _reached(how, record.events):
                        await stream.close()
                        return None
                    if how.get("sleep_each"):
                        await self.clock.asleep(how["sleep_each"])
        finally:
            record.completion = stream.completion
        record.synthesised = stream.synthesised
        if how.get("again"):
            try:
                await anext(aiter(stream))
            except ForgeError as error:
                record.second = error_fact(error)
        return await stream.result()

    async def _abandon(self, held: list[Any], after: int, record: Record) -> None:
        async for _ in held[0]:
            record.events += 1
            if record.events == after:
                break
        held.clear()
        gc.collect()
        await asyncio.sleep(_FAREWELL)  # nobody can await the end of what was dropped
