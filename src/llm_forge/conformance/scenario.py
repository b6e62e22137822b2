"""Scenario files: what the server does, what the caller does, what must come of it.

Rules of this file:
- One YAML file a scenario, named after its id. Unknown fields, wrong types and impossible combinations
  are errors that name the file and the place in it.
- `cases` and `families` expand one file into several cases: RT-03/404, ST-02/chat. In every text `$name`
  stands for a variable of the case; a text that is only `$name` takes the variable's own type.
- Seconds are virtual, except where a field says real.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml
from msgspec import Struct
from msgspec.structs import replace

from .canon import FAMILIES, FIRST, KEY, TEXT, FamilyName
from .cuts import every_cut
from .protocol import FEATURES, ClockOptions, Consume, Descriptor, During, Read, Recorder

_VARIABLE = re.compile(r"\$(\w+)")
_ID = re.compile(r"[A-Z]{2}-\d{2}[a-z]?")


Certificate = Literal["right-host", "wrong-host"]


class ScenarioError(Exception):
    """A scenario or corpus file is wrong; the message names the file and the place."""


class Item(Struct, forbid_unknown_fields=True):
    """A piece of a stream's body: exactly one of the first four.

    Its bytes are repeated `repeat` times (each `#` in a `text` that is `numbered` is the repetition's
    number), sent `times` times, with `pause` after each sending.
    """

    piece: str | None = None
    data: Any = None
    text: str | None = None
    hex: str | None = None
    event: str | None = None
    repeat: int = 1
    numbered: bool = False
    times: int = 1
    pause: float = 0.0


class Answer(Struct, forbid_unknown_fields=True):
    """What the server does with one request, or with `times` of them (null: with all that follow).

    Body: `json`, `text`, `stream` (pieces by name, or items), or none: then an error status gets the
    provider's own error body of `type`, `code` and `message`, any other status the canonical result.
    The remaining fields are those of the simulator's scripted replies.
    """

    status: int = 200
    headers: dict[str, str] = {}
    json: Any = msgspec.UNSET
    text: str | None = None
    stream: list[str | Item] | Literal["whole"] | None = None
    raw: str | list[Item] | None = None
    type: str = "some_error"
    code: str | None = None
    message: str = "the server says no"
    split: int | None = None
    truncate: int | None = None
    gzip: bool = False
    delay: float = 0.0
    body_delay: float = 0.0
    pause: float = 0.0
    stall: float | None = None
    end: Literal["complete", "close", "reset", "stall", "half-close"] | None = None
    terminate: bool | None = None
    times: int | None = 1


class CallStep(Struct, forbid_unknown_fields=True):
    """What the caller does; `wait` alone is a pause, `wall` alone a jump of the time of day.

    `close` alone closes the client.

    See `Call` of the protocol for the other fields.

    `circuit` alone switches the circuit of the operation's group by hand.

    `operation` is generate, list, get, or an operation's own name; `args` are added to the canonical ones,
    null removes one.
    `times` every-cut goes with the answer of that name.
    """

    wait: float | None = None
    wall: float | None = None
    circuit: Literal["force-open", "disable", "reset"] | None = None
    close: bool = False
    operation: str = "generate"
    args: dict[str, Any] = {}
    options: dict[str, Any] = {}
    stream: bool | Consume = False
    read: Read | None = None
    within: float | None = None
    times: int | Literal["every-cut"] = 1
    together: bool = False
    background: bool = False
    during: During | None = None

    @property
    def is_call(self) -> bool:
        """Whether calls come of it."""
        return self.wait is None and self.wall is None and self.circuit is None and not self.close


class ErrorExpect(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Facts of an error; only those given are compared. `message_absent` is content that must not show."""

    kind: str
    status: int | None = None
    type: str | None = None
    code: str | None = None
    param: str | None = None
    request_id: str | msgspec.UnsetType | None = msgspec.UNSET
    retry_after: float | msgspec.UnsetType | None = msgspec.UNSET
    phase: str | None = None
    retryable: bool | None = None
    mid_stream: bool | None = None
    circuit_open: bool | None = None
    retry_budget_exhausted: bool | None = None
    partial_text: str | None = None
    partial: Any = msgspec.UNSET
    details: list[dict[str, Any]] | None = None
    attempts: list[dict[str, Any]] | None = None
    cause: bool | None = None
    mentions: list[str] = []
    message_absent: list[str] = []
    message: str | None = None
    message_limit: int | None = None


class CallExpect(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """How one call ended. Without `error` it must have succeeded; other absent fields are not compared.

    `gaps`: seconds between its attempts. `sends`: when they were sent. `elapsed`: its duration.
    `result` is compared as a subset, `story` as it is.
    """

    error: str | ErrorExpect | None = None
    text: str | None = None
    result: Any = msgspec.UNSET
    completion: str | None = None
    synthesised: bool | None = None
    events: int | None = None
    gaps: list[float] | None = None
    sends: list[float] | None = None
    elapsed: float | None = None
    second: str | None = None
    files: dict[str, str] | None = None
    story: list[str] | None = None


class Received(Struct, forbid_unknown_fields=True):
    """A request as the server got it; `body` as a subset of its JSON, `absent` headers not there.

    `form` are all fields of a form body. `parts` are the parts of a multipart body, each a subset of its
    `name`, `file_name`, `type` and `text`.
    """

    path: str | None = None
    target: str | None = None
    headers: dict[str, str] = {}
    absent: list[str] = []
    body: Any = msgspec.UNSET
    form: dict[str, str] | None = None
    parts: list[dict[str, str]] | None = None


class RouteExpect(Struct, forbid_unknown_fields=True):
    """What must have arrived at a path of `routes`."""

    requests: int | None = None
    received: list[Received] = []


class Expect(Struct, forbid_unknown_fields=True):
    """What must come of a scenario.

    `calls` maps a selector (all, last, 3, 2-50) to how those calls ended; `tally` counts calls by the
    kind of their error, or ok; `sends` are the times of all attempts of all calls, sorted. `requests` is
    how many arrived, `received` their first ones in order, both without those at paths of `routes`.
    `left_within`: the client left the last exchange at most so many real seconds after its request.
    `every_cut`: the calls end as cuts.py says. `grouped` gives each request a number by the value of a
    header: equal numbers for equal values, null where it has none. `circuits` and `limits` are what is known
    when all calls have ended; limits are compared as subsets, in their order.
    `client_error`: building the client failed.
    """

    requests: int | None = None
    calls: dict[str, CallExpect] = {}
    tally: dict[str, int] | None = None
    sends: list[float] | None = None
    received: list[Received] = []
    routes: dict[str, RouteExpect] = {}
    bodies_equal: bool = False
    left_within: float | None = None
    every_cut: bool = False
    client_error: ErrorExpect | None = None
    grouped: dict[str, list[int | None]] = {}
    circuits: dict[str, str] = {}
    limits: dict[str, list[dict[str, Any]]] = {}


class Scenario(Struct, forbid_unknown_fields=True):
    """One expanded case of a scenario file.

    An entry of `server` is an answer, `ok` (the canonical result), `stream` (the canonical stream) or
    `every-cut` (as many answers as the canonical stream has bytes, and one more, each cut one later).
    `routes` are answers for paths of their own, such as a token endpoint at `{url}/token`: in `base_url`
    and in the texts of `client`, `files` and of calls' `args`, `{url}` is the server's URL, and `{elsewhere}`
    the same server at another origin.

    `clock.scale` must be set where the server pauses or stalls. `slack` is the real time by which
    network timers may be late. `alone` runs the case while nothing else runs. `opens_after` gives the
    case a port of its own that refuses connections for so many real seconds after the case began;
    `black_hole` gives it one that neither accepts nor refuses. `tls` gives it a server with a certificate
    for its host or for another one; `{ca}` in the texts of `files` is the authority that signed it.
    """

    id: str
    title: str
    requirements: list[str]
    expect: Expect
    server: list[str | Answer] = []
    routes: dict[str, list[str | Answer]] = {}
    calls: list[CallStep] = []
    client: dict[str, Any] = {}
    env: dict[str, str] = {}
    keys: list[str] = []
    files: dict[str, str] = {}
    home: dict[str, str] = {}
    middleware: list[Recorder] = []
    descriptor: Descriptor | None = None
    provider: str | None = None
    base_url: str | msgspec.UnsetType | None = msgspec.UNSET
    clock: ClockOptions = msgspec.field(default_factory=ClockOptions)
    random: float = 1.0
    needs: list[str] = []
    slack: float = 0.15
    alone: bool = False
    opens_after: float | None = None
    black_hole: bool = False
    tls: Certificate | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A scenario ready to run: `name` is its id and what distinguishes this case."""

    name: str
    family: FamilyName
    scenario: Scenario

    def times(self, step: CallStep) -> int:
        """How many calls a step makes."""
        return len(every_cut(self.family)) if step.times == "every-cut" else step.times

    @property
    def calls(self) -> int:
        """How many calls the scenario makes."""
        return sum(self.times(step) for step in self.scenario.calls if step.is_call)

    @property
    def flows(self) -> bool:
        """Whether its clock moves with real time too, so that a busy machine can make it late."""
        return self.scenario.clock.scale is not None

    def slower(self, factor: float) -> Case:
        """The same case with every real time so many times as long; in virtual time nothing changes."""
        scenario = self.scenario
        clock, expect = scenario.clock, scenario.expect
        slowed = replace(
            scenario,
            clock=replace(clock, scale=_times(clock.scale, factor)),
            expect=replace(expect, left_within=_times(expect.left_within, factor)),
            slack=scenario.slack * factor,
            opens_after=_times(scenario.opens_after, factor),
            alone=True,
        )
        return Case(self.name, self.family, slowed)

    @property
    def id(self) -> str:
        """The id of SCENARIOS."""
        return self.scenario.id


def _times(seconds: float | None, factor: float) -> float | None:
    return None if seconds is None else seconds * factor


def load_scenarios(folder: Path) -> list[Case]:
    """Every case of every scenario file below a folder, by name. ScenarioError names what is wrong."""
    cases = [case for path in sorted(folder.rglob("*.yaml")) for case in load_scenario(path)]
    names = [case.name for case in cases]
    doubled = {name for name in names if names.count(name) > 1}
    if doubled:
        raise ScenarioError(f"{folder}: more than one case is named {', '.join(sorted(doubled))}")
    return sorted(cases, key=lambda case: case.name)


def load_scenario(path: Path) -> list[Case]:
    """The cases of one file."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ScenarioError(f"{path}: not YAML: {error}") from None
    if not isinstance(document, dict):
        raise ScenarioError(f"{path}: a scenario is a mapping, this is {type(document).__name__}")
    return list(_expand(path, document))


def _expand(path: Path, document: dict[str, Any]) -> Iterator[Case]:
    variants = document.pop("cases", None) or [{}]
    families = document.pop("families", None) or ["chat"]
    for family in families:
        if family not in FAMILIES:
            raise ScenarioError(
                f"{path}: $.families: unknown family {family!r}; known: {', '.join(FAMILIES)}"
            )
        for variant in variants:
            yield _case(path, document, variant, family, len(families) > 1)


def _case(path: Path, document: Any, variant: Any, family: FamilyName, name_family: bool) -> Case:
    if not isinstance(variant, dict) or (variant and "name" not in variant):
        raise ScenarioError(f"{path}: $.cases: each case is a mapping with a name")
    canonical = {"text": TEXT, "first": FIRST, "key": KEY, "result": FAMILIES[family].result}
    try:
        variables = {**canonical, **_filled(variant, canonical)}
        scenario = msgspec.convert(_filled(document, variables), Scenario)
    except (msgspec.ValidationError, KeyError) as error:
        what = f"unknown variable ${error.args[0]}" if isinstance(error, KeyError) else str(error)
        raise ScenarioError(f"{path}: {what}") from None
    _check(path, scenario)
    parts = [scenario.id, *([family] if name_family else []), *([str(variant["name"])] if variant else [])]
    return Case("/".join(parts), family, scenario)


def _filled(value: Any, variables: Mapping[str, Any]) -> Any:
    """The document with every `$name` replaced."""
    if isinstance(value, str):
        whole = _VARIABLE.fullmatch(value)
        if whole:
            return variables[whole[1]]
        return _VARIABLE.sub(lambda match: str(variables[match[1]]), value)
    if isinstance(value, dict):
        return {_filled(key, variables): _filled(entry, variables) for key, entry in value.items()}
    return [_filled(entry, variables) for entry in value] if isinstance(value, list) else value


def _check(path: Path, scenario: Scenario) -> None:
    for problem in _problems(path, scenario):
        raise ScenarioError(f"{path}: {problem}")


def _problems(path: Path, scenario: Scenario) -> Iterator[str]:
    if not _ID.fullmatch(scenario.id) or not path.name.startswith(f"{scenario.id}-"):
        yield f"$.id: {scenario.id!r} does not begin the file's name"
    for feature in scenario.needs:
        if feature not in FEATURES:
            yield f"$.needs: unknown feature {feature!r}; known: {', '.join(FEATURES)}"
    if not scenario.requirements:
        yield "$.requirements: a scenario names at least one requirement"
    for path_ in scenario.expect.routes:
        if path_ not in scenario.routes:
            yield f"$.expect.routes: {path_!r} is not one of $.routes"
    if not scenario.calls and scenario.expect.client_error is None:
        yield "$.calls: a scenario without calls must expect a client_error"
    answers = [*scenario.server, *chain.from_iterable(scenario.routes.values())]
    if scenario.clock.scale is None and any(map(_takes_time, answers)):
        yield "$.clock.scale: must be set where the server pauses or stalls"


def _takes_time(answer: str | Answer) -> bool:
    if isinstance(answer, str):
        return False
    items = answer.stream if isinstance(answer.stream, list) else []
    paused = any(isinstance(item, Item) and item.pause for item in items)
    return bool(answer.delay or answer.body_delay or answer.pause or answer.stall or paused)
