"""`python -m tests.descriptions.report`: what the vendors document beside what we describe.

For every vendor document: operations of the listed services, fields and values compared, those that we
lack, those excused by exceptions.yaml, and those that only we have. Ends with 1 if a listed service lacks
anything. `--json` prints all of it as JSON; `--write` writes the figures into docs/coverage.md.

`--spec PATH --provider NAME` measures a newer document in place of the one in the reference data, and adds
what it adds, drops and changes beside the older one (`--base PATH`, else the one in the reference data).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.shared import ROOT, SHARED

from .documents import (
    PROVIDERS,
    Document,
    description,
    endpoints,
    operations,
    parse,
    read_document,
    vendor_document,
)
from .drift import Drift, drift
from .truths import SECOND_SOURCES, TRUTHS, Truth, matches, measure, not_excused, reverse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PAGE = ROOT / "docs" / "coverage.md"
MAIN = {
    "anthropic": "anthropic.stainless-via-tryagi",
    "groq": "groq.stainless-via-tryagi",
    "mistral": "mistral.official",
    "openai": "openai.official",
}
SOURCES = (*MAIN.items(), ("mistral", "mistral.public-doc"))
LISTS = parse(Path(__file__).with_name("services.yaml").read_text(encoding="utf-8"))


@dataclass
class Coverage:
    """What one vendor document has beside our description.

    Operations are `verb path`, fields `verb path: field`. `required` is false for a second source, which
    is reported only: where two documents of a vendor differ, the main one counts.
    """

    provider: str
    document: str
    required: bool = True
    present: list[str] = field(default_factory=list)
    missing_operations: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    not_listed: list[str] = field(default_factory=list)
    our_operations: list[str] = field(default_factory=list)
    compared: int = 0
    missing: list[str] = field(default_factory=list)
    excused: list[str] = field(default_factory=list)
    ours_only: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether nothing of a listed service is missing."""
        return not self.missing_operations and not self.missing


def cover(provider: str, vendor: Document, known: str, truths: Iterable[Truth] = TRUTHS) -> Coverage:
    """Return the coverage of a document; `known` is the name that truths and exceptions have for it."""
    found = Coverage(provider, vendor.name, required=known in MAIN.values())
    about = [one for one in truths if one.document == known]
    for name in sorted(endpoints(vendor)):
        measured = [one for one in about if one.endpoint == name]
        for truth in measured:
            _add_fields(found, truth, vendor)
        if measured:
            found.present.append(name)
        else:
            _sort_out(found, name, known)
    ours = operations(description(provider)).keys()
    found.our_operations = sorted(ours - {one.operation for one in about})
    return found


def is_listed(provider: str, path: str) -> bool:
    """Whether a path belongs to a service that we promise whole."""
    return any(matches(pattern, path) for pattern in LISTS["services"][provider])


def leaves_out(entry: dict[str, Any], document: str, name: str) -> bool:
    """Whether an entry of `left_out` is about an operation (`verb path`) of a document."""
    return bool(entry["document"] == document) and matches(entry["operation"], name)


def _sort_out(found: Coverage, name: str, known: str) -> None:
    """Say of an operation that is not measured why that is so."""
    if not is_listed(found.provider, name.partition(" ")[2]):
        found.not_listed.append(name)
    elif any(leaves_out(entry, known, name) for entry in LISTS["left_out"]):
        found.left_out.append(name)
    else:
        found.missing_operations.append(name)


def _add_fields(found: Coverage, truth: Truth, vendor: Document) -> None:
    name = truth.endpoint
    comparison = measure(truth, vendor=vendor)
    missing = not_excused(truth, comparison.gaps)
    found.compared += comparison.compared
    found.missing += [f"{name}: {gap}" for gap in missing]
    found.excused += [f"{name}: {gap}" for gap in comparison.gaps if gap not in missing]
    found.ours_only += [f"{name}: {gap}" for gap in reverse(truth, vendor).gaps]


def text(found: Coverage) -> str:
    """Return the coverage as a paragraph to read, followed by everything that is missing."""
    groups = Counter(_service(name) for name in found.not_listed)
    others = ", ".join(f"{service} {count}" for service, count in groups.most_common())
    lines = [
        f"{found.provider}: {found.document}{'' if found.required else ' (second source, reported only)'}",
        f"  operations  {len(found.present)} present, {len(found.missing_operations)} missing, "
        f"{len(found.left_out)} left out with a reason, {len(found.our_operations)} ours only",
        f"  fields      {found.compared} compared, {len(found.missing)} missing, "
        f"{len(found.excused)} excused, {len(found.ours_only)} ours only",
        f"  not listed  {len(found.not_listed)} operations" + (f": {others}" if others else ""),
        *(f"  missing operation  {name}" for name in found.missing_operations),
        *(f"  missing field      {name}" for name in found.missing),
        *(f"  ours only          {name}" for name in found.our_operations),
    ]
    return "\n".join(lines)


def _service(name: str) -> str:
    """The first step of an operation's path that says more than the version."""
    steps = [step for step in name.partition(" ")[2].partition("?")[0].split("/") if step]
    return next((step for step in steps if step not in ("v1", "openai")), "/")


def page(found: Sequence[Coverage]) -> str:
    """Return docs/coverage.md."""
    rows = [
        f"| {one.provider} | {one.document} | {len(one.present)} | {len(one.missing_operations)} "
        f"| {len(one.left_out)} | {len(one.not_listed)} | {one.compared:,} | {len(one.missing)} "
        f"| {len(one.excused)} | {len(one.ours_only):,} |"
        for one in found
    ]
    return _PAGE.format(rows="\n".join(rows))


_PAGE = """# Coverage

Written by `make coverage-spec`; do not edit. Our descriptions beside the vendors' own documents: operations
of the services that we promise whole (`tests/descriptions/services.yaml`), and the fields, union members
and enum values of their requests, answers, errors and events. How to read it is said in
[generator](generator.md#coverage-and-drift).

| provider | document | operations | missing | left out | unlisted | fields | missing | excused | ours only |
|---|---|---|---|---|---|---|---|---|---|
{rows}

A field counts once for each place of an operation where it can stand. The second document of Mistral differs
from the first in places; it is reported and does not count. "Ours only" are mostly fields that recorded
answers have and documents lack, and union members that one of two documents does not have.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code: 1 if something is missing, 2 if there is nothing to read."""
    parser = argparse.ArgumentParser(prog="python -m tests.descriptions.report", description=__doc__)
    parser.add_argument("--spec", type=Path, help="a newer document: yaml or json, also gzipped")
    parser.add_argument("--base", type=Path, help="the older document to compare it with")
    parser.add_argument("--provider", choices=PROVIDERS, help="whose document it is; else all are read")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/coverage.md")
    options = parser.parse_args(arguments)
    if options.spec and not options.provider:
        parser.error("--spec needs --provider")
    if not options.spec and not SHARED.is_dir():
        print(
            f"no documents to read: {SHARED.name} is not beside this checkout; give --spec", file=sys.stderr
        )
        return 2
    found, change = _newer(options) if options.spec else (_known(options.provider), None)
    print(_as_json(found, change) if options.json else _as_text(found, change))
    if options.write and not options.spec and not options.provider:
        PAGE.write_text(page(found), encoding="utf-8")
    return 0 if all(one.complete for one in found if one.required) else 1


def _known(provider: str | None) -> list[Coverage]:
    return [
        cover(name, vendor_document(known), known, TRUTHS if known in MAIN.values() else SECOND_SOURCES)
        for name, known in SOURCES
        if provider in (None, name)
    ]


def _newer(options: argparse.Namespace) -> tuple[list[Coverage], Drift | None]:
    known = MAIN[options.provider]
    newer = read_document(options.spec)
    base = (
        read_document(options.base) if options.base else vendor_document(known) if SHARED.is_dir() else None
    )
    truths = [one for one in TRUTHS if one.document == known]
    return [cover(options.provider, newer, known)], base and drift(base, newer, truths)


def _as_text(found: list[Coverage], change: Drift | None) -> str:
    last = change.text() if change else f"without a description of ours: {', '.join(undescribed())}"
    return "\n\n".join([*map(text, found), last])


def undescribed() -> list[str]:
    """Return the documents of the reference data that belong to no description."""
    names = {
        path.name.partition(".json")[0].partition(".yaml")[0] for path in (SHARED / "specs").glob("*.gz")
    }
    return sorted(names - {known for _, known in SOURCES})


def _as_json(found: list[Coverage], change: Drift | None) -> str:
    whole = {"coverage": [asdict(one) for one in found], "drift": asdict(change) if change else None}
    return json.dumps(whole, indent=2)


if __name__ == "__main__":
    sys.exit(main())
