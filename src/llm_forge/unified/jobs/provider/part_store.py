"""A job file whose items are divided among batches of a provider."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from ..items import Item
from ..store import Store
from .parts import ENDINGS, Part, PartState

OWNER = "batch"  # of items that a provider has: they have no lease that could lapse
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS parts (number INTEGER PRIMARY KEY, facts TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS part_items (position INTEGER PRIMARY KEY, part INTEGER NOT NULL)",
    "CREATE INDEX IF NOT EXISTS by_part ON part_items(part, position)",
)
_SEND = """
UPDATE items SET state = 'sent', owner = 'batch', lease = NULL
WHERE state = 'pending' AND position IN (SELECT position FROM part_items WHERE part = ?)
"""
_OF_PART = """
SELECT items.position FROM items JOIN part_items USING (position)
WHERE part = ? AND state IN ('pending', 'leased', 'sent') ORDER BY position
"""


class PartStore(Store):
    """`Store` with the parts of a job that a provider works off."""

    def _prepare(self) -> None:
        super()._prepare()
        for statement in _SCHEMA:
            self._db.execute(statement)

    def parts(self) -> list[Part]:
        """All parts in order."""
        with self._typed():
            rows = self._db.execute("SELECT facts FROM parts ORDER BY number").fetchall()
        return [_part(facts) for (facts,) in rows]

    def undivided(self) -> Iterator[Item]:
        """The pending items that are in no part, or in one that has ended."""
        over = {part.number for part in self.parts() if part.state in ENDINGS}
        query = (
            "SELECT items.position, id, messages, part FROM items LEFT JOIN part_items USING (position)"
            " WHERE state = 'pending' ORDER BY items.position"
        )
        with self._typed():
            for index, name, messages, part in self._db.execute(query):
                if part is None or part in over:
                    yield Item(index, name, messages)

    def add_part(self, part: Part, indexes: Sequence[int]) -> None:
        """Make a part of these items."""
        with self._typed(), self._transaction():
            self._put(part)
            rows = [(index, part.number) for index in indexes]
            self._db.executemany("INSERT OR REPLACE INTO part_items VALUES (?, ?)", rows)

    def send_part(self, part: Part) -> None:
        """Note that a part and its items are about to be sent."""
        with self._typed(), self._transaction():
            self._put(part)
            self._db.execute(_SEND, (part.number,))

    def save_part(self, part: Part) -> None:
        """Make where a part is durable."""
        with self._typed(), self._transaction():
            self._put(part)

    def items_of(self, part: int) -> list[int]:
        """The items of a part that have not ended."""
        with self._typed():
            return [row[0] for row in self._db.execute(_OF_PART, (part,))]

    def item(self, index: int) -> Item:
        """One item."""
        with self._typed():
            query = "SELECT position, id, messages FROM items WHERE position = ?"
            return Item(*self._db.execute(query, (index,)).fetchone())

    def _put(self, part: Part) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO parts VALUES (?, ?)", (part.number, json.dumps(asdict(part)))
        )


def _part(facts: str) -> Part:
    known = json.loads(facts)
    ending = known["ending"]
    return Part(
        **{
            **known,
            "state": PartState(known["state"]),
            "ending": None if ending is None else PartState(ending),
            "sources": tuple(known["sources"]),
        }
    )
