"""Serve every fault to every client, judge what came of it, and write docs/faults.md.

Run: `make compare-faults`, or `python -m benchmarks.faults.run --only cut-clean --clients openai`.
"""

from __future__ import annotations

import argparse
import json
import platform
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from llm_forge.conformance.canon import FAMILIES, Family
from llm_forge.simulator.scripted import Scenario, ScriptedServer

from .catalogue import FAULTS, Fault, Judgement, Seen

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "faults.md"
ANSWER_SECONDS = 25.0  # a client that blocks its own event loop is ended after this
MARKS = {"right": "✓", "partly": "~", "wrong": "✗"}


@dataclass(frozen=True)
class Client:
    """A client of the comparison: what it is called, which package's errors are its own."""

    name: str
    package: str
    provider: str
    python: Path = Path(sys.executable)

    @property
    def family(self) -> Family:
        return FAMILIES["blocks" if self.provider == "anthropic" else "chat"]

    @property
    def ours(self) -> bool:
        return self.package == "llm_forge"


LITELLM = ROOT / ".venv" / "litellm" / "bin" / "python"  # its pins do not go with the vendors' packages
CLIENTS = (
    Client("openai", "openai", "openai"),
    Client("anthropic", "anthropic", "anthropic"),
    Client("groq", "groq", "groq"),
    Client("mistralai", "mistralai", "mistral"),
    Client("litellm", "litellm", "openai", LITELLM),
    Client("llm_forge.OpenAI", "llm_forge", "openai"),
    Client("llm_forge.Anthropic", "llm_forge", "anthropic"),
    Client("llm_forge.Groq", "llm_forge", "groq"),
    Client("llm_forge.Mistral", "llm_forge", "mistral"),
)


class Child:
    """A process with one client in it, which answers fault by fault."""

    def __init__(self, client: Client, orders: Sequence[dict[str, Any]]) -> None:
        script = Path(__file__).with_name("contestants.py")
        self._process = subprocess.Popen(
            [client.python, "-W", "ignore", script, client.name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(orders))
        self._process.stdin.close()
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def answer(self) -> dict[str, Any] | None:
        """What the caller saw; None from a process that hangs or died."""
        try:
            line = self._lines.get(timeout=ANSWER_SECONDS)
        except queue.Empty:
            return None
        return None if line is None else dict(json.loads(line))

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def observations(
    client: Client, faults: Sequence[Fault], server: ScriptedServer
) -> Iterator[tuple[Fault, Seen]]:
    """What this client made of each fault, in order; a new process after one that hung."""
    waiting = list(faults)
    while waiting:
        count = 1 if waiting[0].alone else next(
            (at for at, fault in enumerate(waiting) if fault.alone), len(waiting)
        )  # fmt: skip
        batch, scenes = waiting[:count], [_scene(client, fault, server) for fault in waiting[:count]]
        child = Child(client, [_order(f, s) for f, (s, _) in zip(batch, scenes, strict=True)])
        done = 0
        for fault, (scene, other) in zip(batch, scenes, strict=True):
            facts = child.answer()
            done += 1
            hung = {"end": "waiting", "seconds": ANSWER_SECONDS, "text": ""}
            yield fault, _seen(client, facts or hung, scene, other)
            if facts is None:
                break
        child.kill()
        waiting = waiting[done:]


def _scene(client: Client, fault: Fault, server: ScriptedServer) -> tuple[Scenario, Scenario]:
    name = f"{client.name}.{fault.id}"
    other = server.scenario([], id=f"{name}.elsewhere", own_port=True)
    own = server.scenario(fault.replies(client.family), id=name, variables={"elsewhere": other.url})
    return own, other


def _order(fault: Fault, scene: Scenario) -> dict[str, Any]:
    return {"id": fault.id, "url": scene.url, "stream": fault.stream}


def _seen(client: Client, facts: dict[str, Any], scene: Scenario, other: Scenario) -> Seen:
    gaps = tuple(round(gap, 3) for gap in scene.gaps)
    return Seen(facts, len(scene.requests), gaps, len(other.requests), client.package)


# -- the page ---------------------------------------------------------------------------------------------


def page(results: dict[str, dict[str, Judgement]], clients: Sequence[Client]) -> str:
    """docs/faults.md."""
    theirs = [client for client in clients if not client.ours]
    own = [client for client in clients if client.ours]
    lines = [
        HEAD.format(date=date.today().isoformat(), python=platform.python_version(), own=_versions(clients))
    ]
    lines.append("| fault | " + " | ".join(client.name for client in theirs) + " | LLM-Forge | right is |")
    lines.append("|---" * (len(theirs) + 3) + "|")
    for fault in FAULTS:
        if fault.id in results:
            cells = [_cell(results[fault.id].get(client.name)) for client in theirs]
            mine = _together(
                [results[fault.id][client.name] for client in own if client.name in results[fault.id]]
            )
            lines.append(f"| {fault.title} | {' | '.join(cells)} | {mine} | {fault.right} |")
    lines.append("")
    lines.append(_sums(results, theirs, own))
    return "\n".join(lines) + "\n"


HEAD = """# Faults

Written by `make compare-faults`; do not edit. Each row is a fault that a server on this machine serves to
the byte, each column a client in a process of its own, with its default settings but for a time-out of 2.5 s.
✓ is right, ~ can be noticed and handled but not as one would wish, ✗ is wrong. The LLM-Forge column is all
four clients of this package (those of the providers that know the case); the mark is that of the worst.
What counts as right is in the last column and, to the line, in `benchmarks/faults/catalogue.py`; to judge a
client, look there, then at what it did here. A dash: the provider does not know the case.

Measured {date}, Python {python}: {own}.
"""


def _cell(judgement: Judgement | None) -> str:
    return "-" if judgement is None else f"{MARKS[judgement[0]]} {_escaped(judgement[1])}"


def _together(judgements: Sequence[Judgement]) -> str:
    """One cell for all of ours: the worst verdict, and every different wording."""
    if not judgements:
        return "-"
    worst = max(judgements, key=lambda judgement: list(MARKS).index(judgement[0]))[0]
    words = dict.fromkeys(words for _, words in judgements)
    return f"{MARKS[worst]} " + "; ".join(_escaped(text) for text in words)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _sums(results: dict[str, dict[str, Judgement]], theirs: Sequence[Client], own: Sequence[Client]) -> str:
    parts = []
    for client in (*theirs, *own):
        verdicts = [row[client.name][0] for row in results.values() if client.name in row]
        parts.append(f"{client.name} {verdicts.count('right')} of {len(verdicts)}")
    return "Right in all: " + ", ".join(parts) + "."


def _versions(clients: Sequence[Client]) -> str:
    code = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"
    found = []
    for client in clients:
        if not client.ours:
            out = subprocess.check_output([client.python, "-c", code, client.package], text=True)
            found.append(f"{client.name} {out.strip()}")
    return ", ".join(found)


def main() -> int:
    """Exit code 1 if one of our own clients is not right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[fault.id for fault in FAULTS], metavar="FAULT")
    parser.add_argument("--clients", nargs="*", default=[client.name for client in CLIENTS])
    parser.add_argument("--write", action="store_true", help="write docs/faults.md")
    options = parser.parse_args()
    clients = [client for client in CLIENTS if client.name in options.clients and client.python.exists()]
    results: dict[str, dict[str, Judgement]] = {}
    with ScriptedServer() as server:
        for client in clients:
            mine = [f for f in FAULTS if f.id in options.only and (not f.only or client.provider in f.only)]
            for fault, seen in observations(client, mine, server):
                judgement = results.setdefault(fault.id, {})[client.name] = fault.judge(seen)
                print(f"{MARKS[judgement[0]]} {client.name:<20} {fault.id:<18} {judgement[1]}", flush=True)
    if options.write:
        PAGE.write_text(page(results, clients), "utf-8")
    return int(
        any(
            row[c.name][0] != "right" for row in results.values() for c in clients if c.ours and c.name in row
        )
    )


if __name__ == "__main__":
    sys.exit(main())
