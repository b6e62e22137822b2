"""The canonical stream cut at every byte, and what each cut must give (ST-04).

Rules of this file:
- An event counts once its blank line is complete; the terminal event already when its data is.
- Cut after the terminal event: whole, explicit. Cut after everything was finished with a reason: whole,
  inferred. Cut anywhere else: interrupted, with the text of the deltas that arrived.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .canon import FAMILIES, FIRST, PIECES, TEXT, FamilyName

_BLANK = "\n\n"


@dataclass(frozen=True, slots=True)
class Cut:
    """What a stream that ends after so many bytes must give; `completion` None: interrupted."""

    size: int
    completion: Literal["explicit", "inferred"] | None
    text: str


def whole_stream(family: FamilyName) -> bytes:
    """The bytes of the canonical stream."""
    pieces = FAMILIES[family].pieces
    return "".join(pieces[name] for name in PIECES).encode()


def every_cut(family: FamilyName) -> list[Cut]:
    """One entry for each length from nothing to the whole stream."""
    ends = _ends(family)
    return [_cut(size, ends) for size in range(len(whole_stream(family)) + 1)]


@dataclass(frozen=True, slots=True)
class _Ends:
    first: int
    second: int
    reason: int
    done: int


def _ends(family: FamilyName) -> _Ends:
    """After how many bytes each thing has arrived."""
    pieces = FAMILIES[family].pieces
    sizes = {name: len(pieces[name].encode()) for name in PIECES}
    first = sizes["head"] + sizes["first"]
    second = first + sizes["second"]
    # Of `finish`, only what ends with the reason is needed; the usage after it is not.
    done = second + sizes["finish"] + sizes["done"] - len(_BLANK)
    if not pieces["reason"]:
        return _Ends(first, second, done, done)
    before_reason, reason, _ = pieces["finish"].partition(pieces["reason"])
    return _Ends(first, second, second + len((before_reason + reason).encode()), done)


def _cut(size: int, ends: _Ends) -> Cut:
    if size >= ends.done:
        return Cut(size, "explicit", TEXT)
    if size >= ends.reason:
        return Cut(size, "inferred", TEXT)
    return Cut(size, None, TEXT if size >= ends.second else FIRST if size >= ends.first else "")
