"""Lists of Mistral: pages numbered from 0, filters by fields, and ids as Mistral makes them."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from ..provider import HEX, Json, Turn


def number_page(turn: Turn, rows: Sequence[Json], *, usual: int = 100) -> list[Json]:
    """The rows that the query asks for by `page` and `page_size`."""
    number, size = _whole(turn, "page", 0), max(_whole(turn, "page_size", usual), 1)
    return list(rows[number * size : (number + 1) * size])


def counted_page(turn: Turn, rows: Sequence[Json]) -> Json:
    """A list object with one page and the number of all rows."""
    return {"data": number_page(turn, rows), "object": "list", "total": len(rows)}


def token_page(turn: Turn, rows: Sequence[Json], *, usual: int = 20) -> Json:
    """The page that the query asks for by `page_token`, which names the first row, and `page_size`."""
    ids, size = [row["id"] for row in rows], max(_whole(turn, "page_size", usual), 1)
    token = turn.query.get("page_token")
    start = ids.index(token) if token in ids else 0
    following = ids[start + size] if len(ids) > start + size else None
    return {"data": list(rows[start : start + size]), "object": "list", "next_page_token": following}


def matching(turn: Turn, rows: Sequence[Json], *names: str, **others: str) -> list[Json]:
    """The rows whose fields have one of the values that the query names.

    `names` are fields that the query calls the same, `others` those with a parameter of another name.
    """
    asked = parse_qsl(turn.request.query)
    parameters = {**{name: name for name in names}, **others}
    wanted = {name: {value for key, value in asked if key == told} for name, told in parameters.items()}
    return [
        row for row in rows if all(_text(row.get(name)) in found for name, found in wanted.items() if found)
    ]


def labelled(rows: Sequence[Json], labels: Mapping[str, Any]) -> list[Json]:
    """The rows whose metadata has all the labels."""
    return [row for row in rows if labels.items() <= (row.get("metadata") or {}).items()]


def asked_labels(turn: Turn) -> Mapping[str, Any]:
    """The labels that the query names as JSON under `metadata`."""
    labels = json.loads(turn.query.get("metadata") or "null")
    return labels if isinstance(labels, dict) else {}  # mistralai sends a place holder for none


def made_between(turn: Turn, rows: Sequence[Json]) -> list[Json]:
    """The rows made after `created_after` and before `created_before`, where the query names them."""
    after = _seconds(turn.query.get("created_after"), float("-inf"))
    before = _seconds(turn.query.get("created_before"), float("inf"))
    return [row for row in rows if after < row["created_at"] < before]


def new_uuid(turn: Turn, label: str) -> str:
    """An id that follows from the request."""
    return str(uuid.UUID(turn.letters(label, HEX, 32)))


def zulu(seconds: float) -> str:
    """A time as Mistral writes it."""
    written = datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="microseconds")
    return written.replace("+00:00", "Z")


def _whole(turn: Turn, name: str, usual: int) -> int:
    told = turn.query.get(name, "")
    return int(told) if told.isdigit() else usual


def _text(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _seconds(told: str | None, usual: float) -> float:
    return datetime.datetime.fromisoformat(told).timestamp() if told else usual
