"""Pages of Anthropic's lists, which are asked for by the ids of their neighbours."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from ...problems import Failure
from ..provider import Json, Turn

_USUAL_SIZE = 20


def id_page(turn: Turn, rows: Sequence[Json], *, key: str = "id") -> Json:
    """The page that the query asks for by `limit` and `after_id` or `before_id`; rows in their order."""
    query, size = turn.query, _size(turn)
    ids = [row[key] for row in rows]
    if query.get("before_id") in ids:
        stop = ids.index(query["before_id"])
        found, more = rows[max(0, stop - size) : stop], stop > size
    else:
        start = ids.index(query["after_id"]) + 1 if query.get("after_id") in ids else 0
        found, more = rows[start : start + size], len(rows) > start + size
    first, last = (found[0][key], found[-1][key]) if found else (None, None)
    return {"data": list(found), "has_more": more, "first_id": first, "last_id": last}


def cursor_page(turn: Turn, rows: Sequence[Json]) -> Json:
    """The page that the query asks for by `limit` and `page`, the cursor that `next_page` gave."""
    cursors = [f"page_{row['id']}" for row in rows]
    start, size = 0, _size(turn)
    if cursor := turn.query.get("page"):
        if cursor not in cursors:
            raise Failure("state", "page: invalid cursor")
        start = cursors.index(cursor)
    following = cursors[start + size] if len(rows) > start + size else None
    return {"data": list(rows[start : start + size]), "next_page": following}


def _size(turn: Turn) -> int:
    told = turn.query.get("limit", "")
    return int(told) if told.isdigit() else _USUAL_SIZE


def rfc3339(seconds: float) -> str:
    """A time as Anthropic writes it."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="microseconds")
