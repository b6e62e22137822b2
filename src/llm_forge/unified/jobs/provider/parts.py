"""A provider's batch as a durable part of a job: states, custom ids, how a job is split (R-186, R-188).

    prepared ─► submitted ─► polling ─► collecting ─► done | failed | expired | cancelled

- `submitted` is durable before the request leaves: whoever finds it without the provider's id does not know
  whether the provider has the batch, and searches for the part's tag before submitting again.
- `polling` has the provider's id. `collecting` has seen the end, and knows which ending follows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from ....core.errors import BatchError

_CUSTOM_ID = re.compile(r"([0-9a-f]{12})-(\d+)")


class PartState(StrEnum):
    """Where a part is."""

    PREPARED = "prepared"
    SUBMITTED = "submitted"
    POLLING = "polling"
    COLLECTING = "collecting"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


ENDINGS = frozenset({PartState.DONE, PartState.FAILED, PartState.EXPIRED, PartState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Part:
    """One batch of a provider; instants are seconds since the epoch.

    `tag` is unique to the part: the provider's list is searched for it. `sources` are what the results are
    fetched by, until `expires_at`; `doubled` counts results that came for an item that had one.
    """

    number: int
    tag: str
    size: int
    state: PartState = PartState.PREPARED
    provider_id: str | None = None
    submitted_at: float | None = None
    ending: PartState | None = None
    sources: tuple[str, ...] = ()
    expires_at: float | None = None
    doubled: int = 0


def custom_id(tag: str, index: int) -> str:
    """The id of an item in a batch: unique, of letters, digits and `-`, at most 64 long (R-188)."""
    return f"{tag}-{index}"


def index_of(tag: str, name: object) -> int | None:
    """The item that a custom id of this part names; None for any other."""
    match = _CUSTOM_ID.fullmatch(name) if isinstance(name, str) else None
    return int(match.group(2)) if match is not None and match.group(1) == tag else None


def split(sizes: Iterable[int], most_items: int, most_bytes: int) -> Iterator[int]:
    """How many items each part takes, in order, so that none exceeds a limit (R-188).

    `sizes` are the bytes of the items' lines. BatchError for a line that no part can hold.
    """
    items = total = 0
    for place, size in enumerate(sizes):
        if size > most_bytes:
            raise BatchError(f"Item {place} of the batch has {size} bytes; the provider takes {most_bytes}")
        if items == most_items or total + size > most_bytes:
            yield items
            items = total = 0
        items += 1
        total += size
    if items:
        yield items
