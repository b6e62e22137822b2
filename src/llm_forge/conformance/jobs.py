"""The two kinds of job: a table asked of the core, and a scenario played against the scripted server."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from ..simulator.scripted import Scenario as Scripted
from ..simulator.scripted import ScriptedServer
from .black_hole import BlackHole
from .canon import FAMILIES, KEY, SECRET_HEADER, SECRET_VALUE
from .certificates import authority
from .compare import Observed, differences
from .corpus import Table
from .protocol import Call, Close, Consume, Core, CoreAnswer, Run, RunAnswer, Step, Switch, Wait, Wall
from .replies import replies, routes
from .scenario import CallStep, Case

_BASE_PATHS = {"openai": "/v1"}
_ENDING_SECONDS = 3.0
_NOTES = 6
QUICK, FLOWING, ALONE = 6, 5, 1


class TableJob:
    """One corpus case with all its splits."""

    width = QUICK

    def __init__(self, table: Table) -> None:
        self.name = table.name
        self.id = table.id
        self.title = table.title
        self.needs: Sequence[str] = (table.feature,)
        self._table = table
        self._asked: dict[int, int] = {}

    def begin(self, numbers: Iterator[int]) -> list[Run | Core]:
        """One question for each check."""
        asked = [Core(next(numbers), check.fn, check.input) for check in self._table.checks]
        self._asked = {message.core: index for index, message in enumerate(asked)}
        return list(asked)

    def judge(self, answers: dict[int, RunAnswer | CoreAnswer]) -> list[str]:
        """What differs, in the order of the checks, the first few."""
        notes: list[str] = []
        for number, answer in sorted(answers.items()):
            if isinstance(answer, CoreAnswer):
                notes += self._table.checks[self._asked[number]].differences(answer)
        return notes[:_NOTES]


class ScenarioJob:
    """One case of a scenario."""

    def __init__(self, case: Case, server: ScriptedServer) -> None:
        """`server` speaks TLS with the certificate that the case asks for, if it asks for one."""
        scenario = case.scenario
        self.name = case.name
        self.id = case.id
        self.title = scenario.title
        self.needs: Sequence[str] = scenario.needs
        self.flows = case.flows
        self.width = ALONE if scenario.alone else FLOWING if case.flows else QUICK
        self._case = case
        self._server = server
        self._scripted: Scripted | None = None
        self._hole: BlackHole | None = None

    def slower(self, factor: float) -> ScenarioJob:
        """The same case, alone and at a slower clock."""
        return ScenarioJob(self._case.slower(factor), self._server)

    def begin(self, numbers: Iterator[int]) -> list[Run | Core]:
        """Script the server, then the one message of the scenario."""
        opens_after = self._case.scenario.opens_after
        refusing = opens_after is not None
        self._scripted = self._server.scenario(
            replies(self._case), routes=routes(self._case), own_port=refusing, accepting=not refusing
        )
        if opens_after is not None:
            threading.Timer(opens_after, self._scripted.accept).start()
        if self._case.scenario.black_hole:
            self._hole = BlackHole()
        url = self._hole.url if self._hole is not None else self._scripted.url
        return [run_message(self._case, url, next(numbers))]

    def judge(self, answers: dict[int, RunAnswer | CoreAnswer]) -> list[str]:
        """What differs from the scenario's expectation, the first few."""
        if self._hole is not None:
            self._hole.close()
        (answer,) = answers.values()
        if not isinstance(answer, RunAnswer) or self._scripted is None:
            return ["the driver answered a scenario as if it were a table"]
        ended = self._scripted.wait_ended(_ENDING_SECONDS)
        return differences(self._case, Observed(answer, self._scripted.records, ended))[:_NOTES]


def run_message(case: Case, url: str, number: int) -> Run:
    """The message that plays a case against a server at `url`."""
    scenario = case.scenario
    family = FAMILIES[case.family]
    provider = scenario.provider or family.provider
    options = {name: _with_url(value, url) for name, value in scenario.client.items()}
    if not scenario.keys and not scenario.env and "auth" not in options and "config" not in options:
        options.setdefault("api_key", KEY)
    options["headers"] = {SECRET_HEADER: SECRET_VALUE, **options.get("headers", {})}
    base: str | None = url + _BASE_PATHS.get(provider, "")
    if scenario.base_url is not msgspec.UNSET:
        base = scenario.base_url.replace("{url}", url) if scenario.base_url is not None else None
    return Run(
        call=number,
        provider=provider,
        base_url=base,
        steps=[_step(step, case, url) for step in scenario.calls],
        options=options,
        env=scenario.env,
        keys=scenario.keys,
        files={name: _with_ca(text.replace("{url}", url)) for name, text in scenario.files.items()},
        home=scenario.home,
        middleware=scenario.middleware,
        descriptor=scenario.descriptor,
        clock=scenario.clock,
        random=scenario.random,
    )


def _with_ca(text: str) -> str:
    return text.replace("{ca}", authority()) if "{ca}" in text else text


def _with_url(value: Any, url: str) -> Any:
    """An option with the server's URL in its texts."""
    if isinstance(value, dict):
        return {name: _with_url(entry, url) for name, entry in value.items()}
    if isinstance(value, list):
        return [_with_url(entry, url) for entry in value]
    if not isinstance(value, str):
        return value
    return value.replace("{url}", url).replace("{elsewhere}", url.replace("//127.0.0.1", "//localhost"))


def _step(step: CallStep, case: Case, url: str) -> Step:
    if step.wall is not None:
        return Wall(step.wall)
    if step.wait is not None:
        return Wait(step.wait)
    if step.close:
        return Close()
    family = FAMILIES[case.family]
    if step.circuit is not None:
        return Switch(family.operations[step.operation], step.circuit)
    canonical: dict[str, Any] = dict(family.args) if step.operation == "generate" else {}
    args = {name: value for name, value in {**canonical, **step.args}.items() if value is not None}
    stream = Consume() if step.stream is True else step.stream or None
    return Call(
        operation=family.operations.get(step.operation, step.operation),
        args=_with_url(args, url),
        options=step.options,
        stream=stream,
        read=step.read,
        within=step.within,
        times=case.times(step),
        together=step.together,
        background=step.background,
        during=step.during,
    )
