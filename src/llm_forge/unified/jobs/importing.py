"""Inputs into the job file: once, whether or not a run was interrupted, and never others than before (R-185).

- What can be repeated (a file, a collection) is taken over as a whole before the first request, so that a bad
  line or a doubled id costs nothing, the total is known, and a resume needs no inputs.
- An iterator is read only as far as items are needed: at most 2 x concurrency that have not ended (R-180).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from ...core.errors import BatchError, JournalError
from .items import InputsDigest, Item
from .sources import Source, is_repeatable, read_items
from .store import Store

_CHUNK = 1000


class Importer:
    """Takes a source over into a store; `more` reads on where the source is an iterator.

    JournalError if the source is not the one that the job began with; BatchError for a bad item, or if a
    job that has not read all of its inputs is resumed without them.
    """

    def __init__(self, store: Store, source: Source | None) -> None:
        self._store = store
        self._digest = InputsDigest()
        self._items: Iterator[Item] = iter(()) if source is None else read_items(source)
        self.is_complete = store.get("inputs") is not None
        if source is None:
            self._check_can_do_without()
            return
        self._compare()
        if self.is_complete or is_repeatable(source):
            while self.more(_CHUNK):
                pass

    def more(self, count: int) -> int:
        """Read so many items into the store, and how many there were; 0 at the end."""
        items = list(islice(self._items, count))
        if self.is_complete and items:
            raise JournalError(_other_inputs(self._store, "has more items"))
        if items:
            self._store.append(items)
        for item in items:
            self._digest.add(item.digest)
        if len(items) < count and not self.is_complete:
            self._store.put(inputs=self._digest.hex())
            self.is_complete = True
        return len(items)

    def _compare(self) -> None:
        """The items that the job has must be the first of the source."""
        for digest in self._store.digests():
            item = next(self._items, None)
            if item is None:
                raise JournalError(_other_inputs(self._store, "has fewer items"))
            if item.digest != digest:
                raise JournalError(_other_inputs(self._store, f"differs at item {item.index}"))
            self._digest.add(digest)

    def _check_can_do_without(self) -> None:
        if not self.is_complete:
            raise BatchError(
                f"{self._store.path} has not taken over all of its inputs: run it again with the same inputs"
            )


def _other_inputs(store: Store, how: str) -> str:
    return f"These are not the inputs of {store.path}: the source {how}; give the same, or another job file"
