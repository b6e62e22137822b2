"""`python -m tests.requirements.table`: docs/requirements.md, from the requirements and who names them.

`--check` writes nothing and ends with 1 if the document is stale, if a requirement is neither proven nor
listed as missing or later, or if one that is listed is proven after all. Writing takes what is proven off the
list of the missing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import yaml
from msgspec import Struct

from tests.shared import ROOT

from .evidence import CONFORMANCE, evidence

DOCUMENT = ROOT / "docs" / "requirements.md"
LIST = CONFORMANCE / "requirements.yaml"
HEAD = """# Requirements

Written by `make requirements`; do not edit. Each requirement with the tests, corpora and scenario files
that name it. A requirement that nothing names fails `make check`. Titles are in
`conformance/requirements.yaml`; what a test says it proves is in its own words.
"""


class Catalogue(Struct, forbid_unknown_fields=True):
    """The list of requirements: titles by id, by area; ids without proof; ids of parts not built yet."""

    requirements: dict[str, dict[str, str]]
    missing: list[str] = []
    later: dict[str, list[str]] = {}

    @property
    def ids(self) -> list[str]:
        """Every id, in the order of the list."""
        return [identifier for titles in self.requirements.values() for identifier in titles]

    @property
    def due(self) -> dict[str, str]:
        """The part that an id of `later` belongs to."""
        return {identifier: part for part, ids in self.later.items() for identifier in ids}


def load(path: Path = LIST) -> Catalogue:
    """The list, checked for its form."""
    return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), Catalogue)


def problems(catalogue: Catalogue, proof: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """What is wrong with the list and the proof, a sentence each."""
    excused = {*catalogue.missing, *catalogue.due}
    for identifier in catalogue.ids:
        named = identifier in proof
        if not named and identifier not in excused:
            yield f"{identifier} has no test, corpus or scenario; write one, or list it under `missing`"
        if named and identifier in excused:
            yield f"{identifier} is proven by {proof[identifier][0]}; take it off the list in {LIST.name}"
    for identifier in sorted({*proof, *excused} - set(catalogue.ids)):
        yield f"{identifier} is not in {LIST.name}; named by {', '.join(proof.get(identifier, [LIST.name]))}"


def strike(path: Path, proof: Mapping[str, Sequence[str]]) -> None:
    """Take the lines of proven ids off the list of the missing."""
    before, missing, after = path.read_text(encoding="utf-8").partition("\nmissing:\n")
    if not missing:
        return
    lines = [line for line in after.splitlines() if line.removeprefix("  - ") not in proof]
    path.write_text(before + missing + "\n".join(lines) + "\n", encoding="utf-8")


def document(catalogue: Catalogue, proof: Mapping[str, Sequence[str]]) -> str:
    """The table, one line for each place that names an id, so that changes of different people merge."""
    lines = [HEAD]
    for area, titles in catalogue.requirements.items():
        lines += [f"## {area}", ""]
        for identifier, title in titles.items():
            lines += [f"**{identifier}** {title}", ""]
            lines += [f"- {place}" for place in _places(identifier, catalogue, proof)]
            lines += [""]
    return "\n".join(lines)


def _places(identifier: str, catalogue: Catalogue, proof: Mapping[str, Sequence[str]]) -> list[str]:
    if identifier in proof:
        return [_shown(place) for place in proof[identifier]]
    part = catalogue.due.get(identifier)
    return [f"later: {part}" if part else "**nothing yet**"]


def _shown(place: str) -> str:
    file, _, test = place.partition("::")
    about = f": {test.removeprefix('test_').replace('_', ' ')}" if test and test != "*" else ""
    return f"[{file.partition('/')[2]}](../{file}){about}"


def main(arguments: Sequence[str]) -> int:
    """Write or check the document; returns the exit code."""
    proof = evidence()
    if "--check" not in arguments:
        strike(LIST, proof)
    catalogue = load()
    wrong = list(problems(catalogue, proof))
    text = document(catalogue, proof)
    if "--check" not in arguments:
        DOCUMENT.write_text(text, encoding="utf-8")
    elif not DOCUMENT.is_file() or DOCUMENT.read_text(encoding="utf-8") != text:
        wrong.append(f"{DOCUMENT.relative_to(ROOT)} is stale; run `make requirements`")
    for problem in wrong:
        print(problem, file=sys.stderr)
    proven = sum(identifier in proof for identifier in catalogue.ids)
    print(f"{proven} of {len(catalogue.ids)} requirements are proven, {len(catalogue.missing)} missing")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
