"""The little of Structured Fields (RFC 9651) that rate-limit headers use: a list of items with parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable

MOST_ITEMS = 16
LONGEST_FIELD = 2048  # characters

_VALUE = r'(?:"(?:[^"\\]|\\.)*"|[^",;\s=]+)'
_ITEM = re.compile(rf"\s*({_VALUE})((?:\s*;\s*[a-z*][a-z0-9_.*-]*(?:={_VALUE})?)*)\s*(?:,|$)")
_PARAMETER = re.compile(rf";\s*([a-z*][a-z0-9_.*-]*)(?:=({_VALUE}))?")


def parse_items(fields: Iterable[str]) -> list[tuple[str, dict[str, str]]]:
    """The items of all fields of one name, as text, each with its parameters; [] if anything is malformed."""
    text = ",".join(fields)
    if len(text) > LONGEST_FIELD:
        return []
    items: list[tuple[str, dict[str, str]]] = []
    place = 0
    while place < len(text):
        found = _ITEM.match(text, place)
        if found is None or len(items) == MOST_ITEMS:
            return []
        items.append((_bare(found[1]), {k: _bare(v or "1") for k, v in _PARAMETER.findall(found[2])}))
        place = found.end()
    return items


def _bare(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
