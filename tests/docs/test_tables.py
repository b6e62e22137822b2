"""The tables of the documents name what the code has: no key more, none less, and the same defaults."""

from __future__ import annotations

import dataclasses
import inspect
import re
from pathlib import Path
from typing import Any, get_args

import pytest

import llm_forge
from llm_forge.core.errors import FACTS, ForgeError
from llm_forge.runtime.events import Event, EventName
from llm_forge.runtime.options import CallOptions, ClientOptions, Settings
from llm_forge.simulator import Fault, Simulator
from llm_forge.simulator.script_file import reply_from
from llm_forge.spec import forge, load_description, providers
from llm_forge.unified.jobs.options import RunOptions, RunSettings
from tests.shared import ROOT

from .documents import rows, sections

CLIENTS = ROOT / "docs" / "clients.md"
OBSERVABILITY = ROOT / "docs" / "observability.md"
SIMULATOR = ROOT / "docs" / "simulator.md"
GENERATOR = ROOT / "docs" / "generator.md"
FAULT_TABLES = ("Which requests", "Which of those", "Instead of the answer", "Spoiling the answer")


def options_tables() -> list[dict[str, tuple[str, ...]]]:
    """The three tables of options: names with the cells that follow."""
    tables: list[dict[str, tuple[str, ...]]] = []
    inside = False
    for line in sections(CLIENTS)["Options"].splitlines():
        if line.startswith("| option"):
            tables.append({})
        inside = line.startswith("| `")
        if inside:
            keys, *cells = (cell.strip() for cell in line.strip("|").split("|"))
            tables[-1] |= {key.strip("` "): tuple(cells) for key in keys.split(",")}
    return tables


def test_the_options_are_those_of_the_code() -> None:
    both, call, client = options_tables()
    assert both.keys() | call.keys() == set(CallOptions.__annotations__)
    constructor = set(inspect.signature(llm_forge.Anthropic.__init__).parameters) - {"self", "options"}
    assert both.keys() | client.keys() == set(ClientOptions.__annotations__) | constructor


@pytest.mark.requirement("R-051")
@pytest.mark.requirement("R-052")
@pytest.mark.requirement("R-061")
def test_the_defaults_are_those_of_the_code() -> None:
    both, _, client = options_tables()
    settings = Settings()
    assert both.pop("timeout")[0].startswith(f"{settings.call_timeout(streaming=False):g};")
    compared = 0
    for name, (told, *_) in (both | client).items():
        value = getattr(settings, name, None)
        if isinstance(value, (int, float)):
            assert told.strip("`") == (str(value) if isinstance(value, bool) else f"{value:g}"), name
            compared += 1
    assert compared >= 10


def test_the_clients_are_those_of_the_descriptions() -> None:
    table = sections(CLIENTS)["Making one"]
    for provider in providers():
        api = load_description(provider)
        told = (*api.env.api_key[:1], *api.env.base_url[:1], *api.servers[:1])
        cells = [f"`{one}`" for one in told] or ["argument, optional", "argument", "none"]
        assert f"| `{api.client}` | {' | '.join(cells)} |" in table


@pytest.mark.requirement("R-230")
def test_the_events_are_those_of_the_code() -> None:
    assert set(rows(OBSERVABILITY, "Events")) == set(get_args(EventName))


@pytest.mark.requirement("R-230")
def test_the_facts_of_events_are_those_that_come() -> None:
    seen: list[Event] = []
    with Simulator() as simulator:
        simulator.inject({"status": 429, "times": 1}, {"stream": True, "cut": {"events": 8}, "nth": 2})
        options: Any = {"api_key": "any", "base_url": simulator.base_urls["groq"], "random": lambda: 0.0}
        with llm_forge.Groq(on_event=seen.append, **options) as client:
            question: Any = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
            client.chat.completions.create(**question)
            client.chat.completions.stream(**question).result()
            with pytest.raises(llm_forge.StreamInterruptedError):
                client.chat.completions.stream(**question).result()
    told = rows(OBSERVABILITY, "Events")
    assert {"retry", "call-end", "stream-end", "stream-interrupted"} <= {event.name for event in seen}
    ends = [event.facts["outcome"] for event in seen if event.name == "call-end"]
    assert ends == ["ok", "ok", "StreamInterruptedError"]
    for event in seen:
        assert event.facts.keys() <= set(re.findall(r"`([a-z_]+)`", told[event.name]))


@pytest.mark.requirement("R-212")
def test_the_facts_of_errors_are_those_of_the_code() -> None:
    assert rows(CLIENTS, "Errors").keys() == FACTS | {"message", "kind"}


@pytest.mark.requirement("R-210")
def test_every_error_is_in_the_tree_shown() -> None:
    text = CLIENTS.read_text(encoding="utf-8")
    names = [name for name in llm_forge.__all__ if name.endswith("Error") or name == "LocalRejection"]
    assert len(names) >= 40
    assert [name for name in names if name not in text] == []
    assert issubclass(llm_forge.LocalRejection, ForgeError)


def test_the_keys_of_faults_are_those_of_the_code() -> None:
    told = [key for heading in FAULT_TABLES for key in rows(SIMULATOR, heading)]
    assert sorted(told) == sorted(Fault.__dataclass_fields__)


def test_the_keys_of_scripted_replies_are_those_of_the_code() -> None:
    told = set(rows(SIMULATOR, "Scripted replies"))
    with pytest.raises(ValueError, match="known: ") as refused:
        reply_from({"zzzzzzzzzz": 1})
    assert told == set(str(refused.value).partition("known: ")[2].split(", "))


def test_the_arguments_of_the_simulator_are_those_of_the_code() -> None:
    assert list(rows(SIMULATOR, "In process")) == list(inspect.signature(Simulator).parameters)


def test_the_variables_are_those_of_the_simulator() -> None:
    with Simulator() as simulator:
        variables = simulator.environment()
        port = simulator.url.rpartition(":")[2]
    told = rows(SIMULATOR, "As a command")
    assert told.keys() == variables.keys()
    for name, value in variables.items():
        assert value.replace(port, "PORT") in told[name]


def test_the_operations_of_the_simulator_are_those_it_serves() -> None:
    with Simulator() as simulator:
        services: Any = simulator._services
        served = {route.operation for service in services.values() for route in service._provider.routes}
    table = sections(SIMULATOR)["Services"].partition("`models.delete` is")[0]
    assert set(re.findall(r"`([a-z_.]+)`", table)) == served


@pytest.mark.parametrize(
    ("intro", "known"),
    [
        ("At the root:", forge.ROOT_KEYS),
        ("Under `errors`:", forge.ERROR_KEYS),
        ("Each entry of `rate_limits`:", forge.LIMIT_KEYS),
        ("On an operation:", forge.OPERATION_KEYS),
        ("On a security scheme of type `oauth2`:", forge.SCHEME_KEYS),
        ("Under `stream`:", forge.STREAM_KEYS),
    ],
)
def test_the_keys_of_forge_files_are_those_of_the_code(intro: str, known: frozenset[str]) -> None:
    table = sections(GENERATOR)["The forge file"].partition(intro)[2].split("\n\n")[1]
    told = [key.strip("` ") for line in table.splitlines()[2:] for key in line.split("|")[1].split(",")]
    assert sorted(told) == sorted(known)


def test_the_tables_are_read_from_files_that_exist() -> None:
    for path in (CLIENTS, SIMULATOR, GENERATOR):
        assert isinstance(path, Path)
        assert len(sections(path)) >= 5
    assert dataclasses.is_dataclass(Fault)


def test_the_options_of_a_job_are_those_of_the_code() -> None:
    told = rows(ROOT / "docs" / "jobs.md", "Faults, limits and pace")
    assert told.keys() == set(RunOptions.__annotations__)
    defaults = RunSettings()
    for name in ("concurrency", "passes", "fail_fast", "stream"):
        assert told[name].strip("`") == str(getattr(defaults, name))
