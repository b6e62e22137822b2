"""docs/proof.md, from the records of the long runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.shared import ROOT

from .record import recorded

DOCUMENT = ROOT / "docs" / "proof.md"
HEAD = """# Proof beyond examples

Written by `make proof`, `make fuzz`, `make mutation`, `make soak`, `make kill-test` and
`make bench-overhead`, each its own part; do not edit. The records are in `docs/proof/`, the programs in
`tests/` and `benchmarks/`. Every run is seeded, and its tests are a short one of the same.
"""
Row = Sequence[Any]


def write() -> Path:
    """Write the document; its path."""
    DOCUMENT.write_text(document(), encoding="utf-8")
    return DOCUMENT


def document() -> str:
    """The document, a part for each kind of run."""
    parts = [HEAD]
    for name, title, render in PARTS:
        facts = recorded(name)
        body = "\n".join(render(facts)) if facts is not None else "Not run yet."
        parts.append(f"## {title}\n\n{body}\n")
    return "\n".join(parts)


def _table(head: Row, rows: Iterable[Row]) -> Iterator[str]:
    cells = list(head)
    yield _row(cells)
    yield _row(["---"] * len(cells))
    yield from map(_row, rows)


def _row(cells: Row) -> str:
    return f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in cells)} |"


def _percent(share: float, digits: int = 2) -> str:
    return f"{100 * share:.{digits}f} %"


def _scenarios(facts: dict[str, Any]) -> Iterator[str]:
    yield "The real asynchronous client and call loop over a network in virtual time."
    yield ""
    yield from _table(
        ("scenario", "", "wanted", "measured"),
        [*_sy01(facts["SY-01"]), *_sy02(facts["SY-02"]), *_sy04(facts["SY-04"]), *_sy07(facts["SY-07"])],
    )
    yield ""
    yield "Why two lines have nothing wanted: docs/adr/0005."


def _sy01(by_attempts: dict[str, Any]) -> Iterator[Row]:
    wanted = {"3": ("97.0 %", "1.42"), "8": ("99.9 %", "1.46")}
    for attempts, found in by_attempts.items():
        what = f"{found['calls']:,} calls, 30 % retryable faults, {attempts} attempts"
        success, requests = wanted[attempts]
        yield "SY-01", what, f"success >= {success}", _percent(found["succeeded"])
        yield "SY-01", what, f"requests a call <= {requests}", f"{found['requests'] / found['calls']:.3f}"
        yield "SY-01", what, "budget exhausted: 0", found["budget_exhausted"]


def _sy02(runs: list[dict[str, Any]]) -> Iterator[Row]:
    for found in runs:
        what = f"outage of 60 s after {found['begins']} s, window {found['window']:g} s"
        holds = found["begins"] == 0 or found["window"] < 30
        wanted = "after 2 s, load seen <= 5 %" if holds else "load seen after 2 s"
        yield "SY-02", what, wanted, _percent(found["seen"], 1)
        yield "SY-02", what, "all well within 40 s of its end", f"{found['recovered_after']} s"


def _sy04(by_server: dict[str, Any]) -> Iterator[Row]:
    for name, found in by_server.items():
        what = f"{found['clients']:,} clients restart, limit 100/s, the server's wait is {name}"
        wanted = "worst later second <= 200" if name == "fair" else "worst later second"
        yield "SY-04", what, wanted, found["most"]


def _sy07(found: dict[str, Any]) -> Iterator[Row]:
    what = f"{found['calls']:,} calls and streams, 30 % faults of every kind, deadline 60 s"
    outcomes = ", ".join(f"{kind} {count:,}" for kind, count in found["outcomes"].items())
    yield "SY-07", what, "each ends once, with a result or a typed error", outcomes
    yield "SY-07", what, "longest call <= 60.05 s", f"{found['longest']:.2f} s"


def _fuzz(facts: dict[str, Any]) -> Iterator[str]:
    jobs = facts["jobs"].values()
    yield f"`make fuzz`, the last run of each job: **{sum(one['violations'] for one in jobs)} violations**."
    yield ""
    rows: list[tuple[Any, ...]] = [
        (name, one["unit"], f"{one['done']:,}", f"{one['seeds'][0]} to {one['seeds'][1]}", one["violations"])
        for name, one in facts["jobs"].items()
    ]
    totals: Counter[str] = Counter()
    for one in jobs:
        totals[one["unit"]] += one["done"]
    rows += [("**all**", unit, f"**{done:,}**", "", "") for unit, done in totals.items()]
    yield from _table(("what", "counted", "done", "seeds", "violations"), rows)


def _mutation(facts: dict[str, Any]) -> Iterator[str]:
    run, killed = facts["run"], facts["killed"]
    share = _percent(killed / run, 1)
    yield f"mutmut on `src/llm_forge/core`: **{killed:,} of {run:,} mutants killed, {share}**. "
    made = f"{facts['made']:,}"
    yield f"{made} were made in these modules; what was not run, and other modules, do not count."
    yield "Modules run; every survivor with its change is in `docs/proof/mutation.json`."
    yield ""
    modules = facts["modules"].items()
    rows: list[tuple[Any, ...]] = [
        (name, one["run"], one["alive"], _percent(1 - one["alive"] / one["run"], 0)) for name, one in modules
    ]
    yield from _table(("module", "mutants", "alive", "killed"), sorted(rows, key=lambda row: -row[2]))
    yield ""
    yield "Why they live, judged by the lines that they change:"
    yield ""
    yield from _table(("reason", "mutants"), facts["reasons"].items())


def _soak(facts: dict[str, Any]) -> Iterator[str]:
    yield f"Sampled while it runs; slopes over the second half ({facts['system']})."
    yield ""
    rows: list[tuple[Any, ...]] = [
        (
            one["name"],
            f"{one['calls']:,}",
            f"{one['seconds']:.0f} s",
            f"{one['slope']:+.3f}",
            f"{one['handles'][0]} to {one['handles'][1]}",
            f"{one['tasks'][0]} to {one['tasks'][1]}",
        )
        for one in facts["runs"]
    ]
    head = ("what", "calls", "real time", "MiB per 10,000 calls (<= 1)", "handles", "tasks and threads")
    yield from _table(head, rows)


def _overhead(facts: dict[str, Any]) -> Iterator[str]:
    yield "Client CPU of a unary call of the whole client beside its bare transport and the JSON decoder."
    yield ""
    rows: list[tuple[Any, ...]] = [
        (one["transport"], f"{one['bare_us']:.0f}", f"{one['client_us']:.0f}", f"{one['ratio']:.2f}")
        for one in facts["rows"]
    ]
    yield from _table(("transport", "bare, microseconds", "client", "ratio (<= 1.15)"), rows)


def _kills(facts: dict[str, Any]) -> Iterator[str]:
    yield "BA-03: jobs killed with SIGKILL at random points, with faults in 30 % of the requests, run on"
    yield f"until all is done; {facts['concurrency']} calls in flight a process. Where limits are shared, the"
    yield f"server allows {facts['per_minute']:,.0f} requests a minute. Wanted is 0 in the columns lost,"
    yield "doubled, without reason (sent again, and no kill had found it under way) and refused (by the"
    yield "server's limit)."
    yield ""
    names = ("items", "killed", "requests", "lost", "doubled_in_output", "paid_twice")
    more = ("sent_again_without_reason", "violations")
    rows = [(name, *(_count(one.get(key)) for key in (*names, *more))) for name, one in facts["runs"].items()]
    head = (*names[:4], "doubled", "paid twice, listed as interrupted", "without reason", "refused")
    yield from _table(("who", *head), rows)


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


PARTS: list[tuple[str, str, Callable[[dict[str, Any]], Iterator[str]]]] = [
    ("scenarios", "Whole system", _scenarios),
    ("fuzz", "Stateful models and fuzzing", _fuzz),
    ("mutation", "Mutation", _mutation),
    ("soak", "Soak", _soak),
    ("kills", "Kills", _kills),
    ("overhead", "Overhead", _overhead),
]
