"""Corpora: tables of inputs and outputs of the pure functions, with no socket and no clock.

Rules of this file:
- A corpus is one JSON file: the function, what it is about, and cases with an id of SCENARIOS, a name,
  an input and the expected output. Expected objects are compared by the keys they have; `message_has` and
  `message_lacks` are texts that an error's message must have or must not have.
- SSE cases are run in their own chunks, byte by byte, in two pieces at every place, and in seeded
  random pieces; all must give the same events.
- Streams for accumulators are written as `events`, and a `tail` of raw text after them; they go to the
  driver as one text.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from .canon import data_event
from .compare import subset
from .protocol import FEATURES, CoreAnswer
from .scenario import ScenarioError

_SPLITTABLE = 4096
_EVERY_PLACE = 512
_SEED = 20
MESSAGE_LIMIT = 500
_MESSAGE_RULES = ("message_has", "message_lacks")


class CorpusCase(Struct, forbid_unknown_fields=True):
    """One line of a table. `splits` is how many random splits are tried besides the others."""

    id: str
    name: str
    input: Any
    output: Any = msgspec.UNSET
    error: str | None = None
    splits: int = 20


class CorpusFile(Struct, forbid_unknown_fields=True):
    """One table."""

    fn: str
    about: str
    requirements: list[str]
    cases: list[CorpusCase]


@dataclass(frozen=True, slots=True)
class Check:
    """One question to the core and what must come back; a case has one or many."""

    fn: str
    input: Any
    output: Any
    error: str | None
    about: str

    def differences(self, answer: CoreAnswer) -> list[str]:
        """How an answer differs from what the table says."""
        if answer.error != self.error:
            return [f"{self.about}: {answer.error or 'success'}, wanted {self.error or 'success'}"]
        if self.output is msgspec.UNSET:
            return []
        wanted = {name: value for name, value in self.output.items() if name not in _MESSAGE_RULES}
        return [
            *subset(self.about, wanted, answer.output),
            *_message_differences(self.about, self.output, answer.output),
        ]


def _message_differences(about: str, wanted: Any, got: Any) -> Iterator[str]:
    """What is wrong with an error's message, where the table says what must be in it."""
    if "message_has" not in wanted:
        return
    message = got.get("message") or ""
    if len(message) > MESSAGE_LIMIT or "\n" in message or not message.strip():
        yield f"{about}: the message is not one line of at most {MESSAGE_LIMIT} characters: {message[:80]!r}"
    for text in wanted["message_has"]:
        if text not in message:
            yield f"{about}: the message lacks {text!r}: {message[:80]!r}"
    for text in wanted.get("message_lacks", ()):
        if text in message:
            yield f"{about}: the message has {text!r}: {message[:80]!r}"


@dataclass(frozen=True, slots=True)
class Table:
    """One case of a corpus, ready to run."""

    name: str
    id: str
    title: str
    feature: str
    checks: tuple[Check, ...]


def load_corpora(folder: Path) -> list[Table]:
    """Every case of every corpus in a folder, by name. ScenarioError names what is wrong."""
    tables = [table for path in sorted(folder.glob("*.json")) for table in load_corpus(path)]
    names = [table.name for table in tables]
    doubled = {name for name in names if names.count(name) > 1}
    if doubled:
        raise ScenarioError(f"{folder}: more than one case is named {', '.join(sorted(doubled))}")
    return sorted(tables, key=lambda table: table.name)


def load_corpus(path: Path) -> list[Table]:
    """The cases of one corpus."""
    try:
        corpus = msgspec.json.decode(path.read_bytes(), type=CorpusFile)
    except msgspec.MsgspecError as error:
        raise ScenarioError(f"{path}: {error}") from None
    feature = f"core.{corpus.fn}"
    if feature not in FEATURES:
        raise ScenarioError(f"{path}: $.fn: unknown function {corpus.fn!r}")
    return [
        Table(f"{case.id}/{case.name}", case.id, corpus.about, feature, tuple(_checks(corpus.fn, case)))
        for case in corpus.cases
    ]


def _checks(fn: str, case: CorpusCase) -> Iterator[Check]:
    value = case.input
    if fn == "accumulate" and "events" in value:
        text = "".join(_event_text(event) for event in value["events"]) + value.get("tail", "")
        value = {name: entry for name, entry in value.items() if name not in ("events", "tail")}
        value["text"] = text
    yield Check(fn, value, case.output, case.error, "as written")
    if fn in ("sse", "lines"):
        yield from _splits(fn, case)


def _event_text(event: Any) -> str:
    if isinstance(event, str):
        return f"data: {event}\n\n"
    kind = event.get("type") if isinstance(event, dict) else None
    return data_event(event, kind if isinstance(kind, str) else None)


def _splits(fn: str, case: CorpusCase) -> Iterator[Check]:
    chunks = case.input["chunks"]
    if any(not isinstance(chunk, str) for chunk in chunks):
        return
    whole = bytes.fromhex("".join(chunks))
    if len(whole) > _SPLITTABLE:
        return
    expected = _without_places(case.output)
    for about, sizes in _ways(len(whole), case.splits):
        pieces = [whole[start:end].hex() for start, end in sizes]
        yield Check(fn, {**case.input, "chunks": pieces}, expected, case.error, about)


def _without_places(output: Any) -> Any:
    if "events" not in output:
        return output
    events = [{k: v for k, v in event.items() if k != "chunk"} for event in output["events"]]
    return {**output, "events": events}


def _ways(size: int, count: int) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    yield "byte by byte", [(at, at + 1) for at in range(size)]
    for at in range(1, min(size, _EVERY_PLACE)):
        yield f"split at {at}", [(0, at), (at, size)]
    chance = random.Random(_SEED)  # noqa: S311 - seeded on purpose
    for number in range(count if size > 1 else 0):
        cuts = sorted(chance.sample(range(1, size), chance.randint(1, min(size - 1, 12))))
        edges = [0, *cuts, size]
        yield f"random split {number}", list(itertools.pairwise(edges))
