"""Runs jobs through one driver, some at a time, and starts it again when it dies.

Rules of this file:
- A driver that crashes or falls silent is killed and started anew. If one job was under way it failed,
  with the driver's last words; if several were, each runs again alone, so that the guilty one shows.
- A job whose features the driver does not support is skipped with the driver's own reason; a feature it
  does not mention is an error of the driver.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Protocol

from .driver import Driver, DriverCrash
from .protocol import FEATURES, Core, CoreAnswer, Hello, Run, RunAnswer
from .results import ConformanceError, Result, Status

START_SECONDS = 30.0


class Job(Protocol):
    """One case: what to send, and what its answers mean."""

    name: str
    id: str
    title: str
    needs: Sequence[str]
    width: int

    def begin(self, numbers: Iterator[int]) -> list[Run | Core]:
        """The messages of this case, numbered; called again if the case runs again."""
        ...

    def judge(self, answers: dict[int, RunAnswer | CoreAnswer]) -> list[str]:
        """What is wrong with the answers; empty if the case passed."""
        ...


@dataclass
class _Running:
    job: Job
    waiting: set[int]
    answers: dict[int, RunAnswer | CoreAnswer] = field(default_factory=dict)


class Session:
    """One column of one language: `run` yields a result for each job, as they end."""

    def __init__(
        self, start: Callable[[], Driver], column: str, numbers: Iterator[int], patience: float
    ) -> None:
        self._start = start
        self._column = column
        self._numbers = numbers
        self._patience = patience
        self._driver: Driver | None = None
        self._hello: Hello | None = None

    def run(self, jobs: Iterable[Job]) -> Iterator[Result]:
        """Run jobs, those of the same width together, as many at once as that."""
        ordered = sorted(jobs, key=lambda job: -job.width)
        try:
            for width, batch in groupby(ordered, key=lambda job: job.width):
                yield from self._run_batch(list(batch), width)
        finally:
            self.close()

    def close(self) -> None:
        """End the driver."""
        if self._driver is not None:
            self._driver.close()
            self._driver = None

    def _run_batch(self, jobs: Sequence[Job], width: int) -> Iterator[Result]:
        waiting = deque(jobs)
        running: list[_Running] = []
        while waiting or running:
            try:
                driver = self._ready()
                while waiting and len(running) < width:
                    job = waiting.popleft()
                    reason = self._lacking(job)
                    if reason is not None:
                        yield self._result(job, "skipped", [reason])
                        continue
                    running.append(self._send(driver, job))
                if running:
                    yield from self._receive(driver, running)
            except DriverCrash as crash:
                yield from self._crashed(crash, running)
                if len(running) > 1:
                    for one in running:
                        yield from self._run_batch([one.job], 1)
                running = []

    def _ready(self) -> Driver:
        if self._driver is None:
            self._driver = self._start()
            self._hello = self._driver.start(START_SECONDS)
            missing = set(FEATURES) - set(self._hello.supports)
            if missing:
                raise ConformanceError(f"the driver does not say whether it supports {min(missing)!r}")
        return self._driver

    def _lacking(self, job: Job) -> str | None:
        """Why the driver cannot run a job, or None if it can."""
        supports = self._hello.supports if self._hello is not None else {}
        answers = ((need, supports.get(need)) for need in job.needs)
        return next((f"{need}: {answer}" for need, answer in answers if answer is not True), None)

    def _send(self, driver: Driver, job: Job) -> _Running:
        messages = job.begin(self._numbers)
        running = _Running(job, {_number(message) for message in messages})
        for message in messages:
            driver.send(message)
        return running

    def _receive(self, driver: Driver, running: list[_Running]) -> Iterator[Result]:
        answer = driver.answer(self._patience)
        number = answer.core if isinstance(answer, CoreAnswer) else answer.call
        one = next((one for one in running if number in one.waiting), None)
        if one is None:
            raise DriverCrash(f"the driver answered {number}, which nobody asked")
        one.waiting.discard(number)
        one.answers[number] = answer
        if not one.waiting:
            running.remove(one)
            notes = one.job.judge(one.answers)
            yield self._result(one.job, "failed" if notes else "passed", notes)

    def _crashed(self, crash: DriverCrash, running: list[_Running]) -> Iterator[Result]:
        if self._driver is None:
            raise ConformanceError(f"the driver does not start: {crash}")
        self._driver.kill()
        self.close()
        if not running:
            raise ConformanceError(f"the driver does not start: {crash}")
        if len(running) == 1:
            yield self._result(running[0].job, "failed", [f"the driver died: {crash}"])

    def _result(self, job: Job, status: Status, notes: Sequence[str]) -> Result:
        return Result(job.name, job.id, job.title, self._column, status, tuple(notes))


def _number(message: Run | Core) -> int:
    return message.core if isinstance(message, Core) else message.call
