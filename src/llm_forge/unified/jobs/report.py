"""A job's report: one HTML file that needs nothing else, with distributions drawn as SVG."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from string import Template
from typing import Any

from .items import Outcome
from .states import State

_BARS = 24
_WIDTH, _HEIGHT = 640, 150
_INPUT, _OUTPUT = ("input", "prompt_tokens", "input_tokens"), ("output", "completion_tokens", "output_tokens")


@dataclass
class Facts:
    """What a report tells of a job's outcomes; durations in seconds, costs in US dollars."""

    states: Counter[State] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    first_tokens: list[float] = field(default_factory=list)
    attempts: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Facts:
        """The facts of these outcomes."""
        facts = cls()
        for outcome in outcomes:
            facts.add(outcome)
        return facts

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        answer = outcome.answer
        self.states[outcome.state] += 1
        self.latencies += [] if answer.latency is None else [answer.latency]
        self.first_tokens += [] if answer.first_token is None else [answer.first_token]
        if answer.attempts is not None:
            self.attempts[answer.attempts] += 1
        if answer.error is not None:
            kind = " ".join(str(answer.error[name]) for name in ("kind", "status") if name in answer.error)
            self.errors[kind] += 1
            self.examples.setdefault(kind, str(answer.error.get("message", "")))
        self.input_tokens += _tokens(answer.usage, _INPUT)
        self.output_tokens += _tokens(answer.usage, _OUTPUT)
        if answer.cost is not None:
            self.cost = (self.cost or 0.0) + answer.cost


def _tokens(usage: Mapping[str, Any] | None, names: Sequence[str]) -> int:
    found = next((usage[name] for name in names if usage.get(name) is not None), 0) if usage else 0
    return int(found)


def page(model: str, facts: Facts, interrupted: Sequence[str]) -> str:
    """The report as HTML; all text of a provider is escaped."""
    sections = [
        _figures(facts, interrupted),
        _distribution("Latency", "of a whole call, its retries and waits included", facts.latencies),
        _distribution("Time to first token", "from the start of a call; of streams only", facts.first_tokens),
        _counts("Attempts", "requests that the last call of an item took", facts.attempts),
        _errors(facts),
        _interrupted(interrupted),
    ]
    return _PAGE.substitute(model=escape(model), sections="\n".join(one for one in sections if one))


def _figures(facts: Facts, interrupted: Sequence[str]) -> str:
    total = sum(facts.states.values())
    retried = sum(count for attempts, count in facts.attempts.items() if attempts > 1)
    shown = {
        "items": f"{total:,}",
        **{str(state): f"{facts.states[state]:,}" for state in State if facts.states[state]},
        "retried": f"{retried:,}",
        "interrupted": f"{len(interrupted):,}",
        "input tokens": f"{facts.input_tokens:,}",
        "output tokens": f"{facts.output_tokens:,}",
        "cost": "unknown" if facts.cost is None else f"${facts.cost:,.4f}",
    }
    cells = "".join(f"<div><b>{value}</b><span>{name}</span></div>" for name, value in shown.items())
    return f'<div class="figures">{cells}</div>'


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value that this share of the ordered values does not exceed."""
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


def bars(values: Sequence[float], count: int = _BARS) -> tuple[list[int], float]:
    """A histogram: how many values fall in each bar, and a bar's width.

    What lies beyond the 99.5th percentile counts in the last bar, so that one straggler does not flatten all.
    """
    width = (quantile(sorted(values), 0.995) or 1e-9) / count
    found = [0] * count
    for value in values:
        found[min(count - 1, int(value / width))] += 1
    return found, width


def _distribution(title: str, meaning: str, values: Sequence[float]) -> str:
    if not values:
        return ""
    ordered = sorted(values)
    marks = {"median": 0.5, "90 %": 0.9, "99 %": 0.99, "longest": 1.0}
    told = "".join(f"<td><b>{_seconds(quantile(ordered, s))}</b> {name}</td>" for name, s in marks.items())
    return (
        f"<h2>{title}</h2><p>{meaning}; {len(values):,} calls</p>"
        f"<table class='marks'><tr>{told}</tr></table>{_drawn(*bars(ordered))}"
    )


def _drawn(counts: Sequence[int], width: float) -> str:
    most, step = max(counts), _WIDTH / len(counts)
    rectangles = "".join(
        f'<rect x="{place * step + 1:.1f}" y="{_HEIGHT - height:.1f}" width="{step - 2:.1f}" '
        f'height="{height:.1f}"><title>{_seconds(place * width)} to {_seconds((place + 1) * width)}: '
        f"{count:,}</title></rect>"
        for place, count in enumerate(counts)
        if (height := _HEIGHT * count / most) > 0
    )
    ticks = "".join(
        f'<text x="{place * step:.1f}" y="{_HEIGHT + 16}">{_seconds(place * width)}</text>'
        for place in range(0, len(counts), 6)
    )
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + 22}" role="img">{rectangles}{ticks}</svg>'


def _seconds(value: float) -> str:
    return (
        f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s" if value < 60 else f"{value / 60:.1f} min"
    )


def _counts(title: str, meaning: str, counts: Counter[int]) -> str:
    if not counts:
        return ""
    rows = "".join(
        f"<tr><td>{number}</td><td>{_share(count, counts)}</td></tr>"
        for number, count in sorted(counts.items())
    )
    return f"<h2>{title}</h2><p>{meaning}</p><table>{rows}</table>"


def _errors(facts: Facts) -> str:
    if not facts.errors:
        return ""
    rows = "".join(
        f"<tr><td>{escape(kind)}</td><td>{_share(count, facts.errors)}</td>"
        f"<td class='text'>{escape(facts.examples[kind])}</td></tr>"
        for kind, count in facts.errors.most_common()
    )
    return f"<h2>Errors</h2><p>with the first message of each kind</p><table>{rows}</table>"


def _share(count: int, counts: Counter[Any]) -> str:
    share = count / sum(counts.values())
    return f'<i style="width:{max(1, 160 * share):.0f}px"></i>{count:,} ({share:.1%})'


def _interrupted(ids: Sequence[str], most: int = 200) -> str:
    if not ids:
        return ""
    more = f" and {len(ids) - most:,} more" if len(ids) > most else ""
    named = " ".join(escape(one) for one in ids[:most])
    return (
        "<h2>Interrupted</h2><p>a process died while their requests were under way, so that they may have "
        f"been paid for twice</p><p class='ids'>{named}{more}</p>"
    )


_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Job report: $model</title>
<style>
:root { --ink: #1b1f24; --dim: #667; --line: #dde; --bar: #3b6fb6; --back: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8eb; --dim: #99a; --line: #334; --bar: #7aa7e6; --back: #14171b; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back);
  max-width: 720px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 0; }
p { color: var(--dim); margin: 0 0 .5rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(120px, 1fr)); gap: 1rem;
  margin: 1rem 0; }
.figures div { border-top: 2px solid var(--line); padding-top: .3rem; }
.figures b { display: block; font-size: 1.25rem; } .figures span { color: var(--dim); }
table { border-collapse: collapse; width: 100%; }
td { padding: .2rem 1rem .2rem 0; vertical-align: top; border-bottom: 1px solid var(--line); }
.marks td { border: 0; } td.text, .ids { overflow-wrap: anywhere; color: var(--dim); }
i { display: inline-block; height: .7em; margin-right: .5em; background: var(--bar); }
svg { width: 100%; margin-top: .5rem; } rect { fill: var(--bar); } text { font-size: 11px; fill: var(--dim); }
</style></head><body>
<h1>$model</h1><p>job report</p>
$sections
</body></html>
""")
