"""What a newer document of a vendor adds, drops and changes beside an older one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .documents import endpoints
from .parts import compare
from .truths import their_parts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .coverage import Comparison
    from .documents import Document
    from .truths import Truth


@dataclass
class Drift:
    """Operations as `verb path` of all services; fields and rules of the measured ones after a colon."""

    added_operations: list[str] = field(default_factory=list)
    dropped_operations: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    narrower: list[str] = field(default_factory=list)
    wider: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Return the drift as lines to read; a document without news says so."""
        kinds = {
            "adds operation": self.added_operations,
            "drops operation": self.dropped_operations,
            "adds": self.added,
            "drops": self.dropped,
            "is narrower": self.narrower,
            "is wider": self.wider,
        }
        lines = [f"  {kind:<16} {name}" for kind, names in kinds.items() for name in names]
        return "\n".join(["the newer document", *(lines or ["  says the same"])])


def drift(base: Document, newer: Document, truths: Iterable[Truth]) -> Drift:
    """Return what happened between two documents: to all operations, and inside those of the truths."""
    before, after = endpoints(base), endpoints(newer)
    found = Drift(sorted(after - before), sorted(before - after))
    both = before & after
    for truth in truths:
        if truth.endpoint in both:
            _add(found, truth.endpoint, *_both_ways(base, newer, truth))
    return found


def _both_ways(base: Document, newer: Document, truth: Truth) -> tuple[Comparison, Comparison]:
    old, new = their_parts(truth, base), their_parts(truth, newer)
    return compare(newer, new, base, old), compare(base, old, newer, new)


def _add(found: Drift, name: str, gained: Comparison, lost: Comparison) -> None:
    found.added += [f"{name}: {gap}" for gap in gained.gaps]
    found.dropped += [f"{name}: {gap}" for gap in lost.gaps]
    found.narrower += [f"{name}: {rule}" for rule in lost.stricter]
    found.wider += [f"{name}: {rule}" for rule in gained.stricter]
