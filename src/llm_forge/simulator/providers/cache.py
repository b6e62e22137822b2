"""Prompt caching: which prefixes of earlier requests are known.

A prefix is a list of parts. The longest known one is read, the rest of the marked prefix is created.
Real caches need a least length and forget after minutes; this one does neither, so that short tests
see it work.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .provider import compact, input_tokens


@dataclass(frozen=True, slots=True)
class Cached:
    """Tokens of a prefix that were written to the cache, and that were read from it."""

    created: int = 0
    read: int = 0


@dataclass(slots=True)
class PromptCache:
    """The prefixes seen so far."""

    _known: set[str] = field(default_factory=set)

    def use(self, parts: Sequence[Any]) -> Cached:
        """Look a prefix up and remember it."""
        read = created = 0
        digest = hashlib.sha256()
        hit = True
        for part in parts:
            digest.update(compact(_unmarked(part)).encode("utf-8", "surrogatepass"))
            hit = hit and digest.hexdigest() in self._known
            self._known.add(digest.hexdigest())
            size = input_tokens(part)
            read, created = (read + size, created) if hit else (read, created + size)
        return Cached(created, read)


def _unmarked(part: Any) -> Any:
    return {k: v for k, v in part.items() if k != "cache_control"} if isinstance(part, Mapping) else part
