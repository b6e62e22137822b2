"""Anthropic's files: uploads are kept and named, and only what a tool wrote can be downloaded.

A workspace begins with one file that a tool wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from ...forms import FormFile
from ...problems import Failure, Problem
from ...script import Reply
from ..provider import BASE58, EPOCH, Handler, Json, Produced, Turn
from .id_pages import cursor_page, id_page, rfc3339
from .shelf import Shelf

_BETA = "files-api-"
_WRITTEN = ("table.csv", b"fruit,price\napple,2\n")


@dataclass(slots=True)
class KeptFile:
    """A file and what is told of it."""

    shown: Json
    content: bytes


class AnthropicFiles:
    """The files of a workspace."""

    def __init__(self) -> None:
        self._kept: Shelf[KeptFile] = Shelf("File")
        name, content = _WRITTEN
        shown = _shown("file_011CSimulated", name, "text/csv", content, EPOCH)
        self._kept.put(shown["id"], KeptFile({**shown, "downloadable": True}, content))

    def handlers(self) -> Mapping[str, Handler]:
        """Its operations."""
        handlers: dict[str, Callable[[Turn], Json]] = {
            "files.upload": self._uploaded,
            "files.list": self._listed,
            "files.get": lambda turn: self._kept.get(turn.ids[0]).shown,
            "files.delete": self._deleted,
        }
        made: dict[str, Handler] = {name: _answering(one) for name, one in handlers.items()}
        return {**made, "files.download": self._content}

    def _listed(self, turn: Turn) -> Json:
        """A page by cursor, or by ids as in the beta."""
        rows = [one.shown for one in reversed(self._kept.all())]
        if _BETA in (turn.request.header("anthropic-beta") or ""):
            return id_page(turn, rows)
        wanted = [value for name, value in parse_qsl(turn.request.query) if name == "ids[]"]
        if wanted:
            return {"data": [row for row in rows if row["id"] in wanted], "next_page": None}
        return cursor_page(turn, rows)

    def _uploaded(self, turn: Turn) -> Json:
        file = turn.body.get("file")
        if not isinstance(file, FormFile):
            raise Failure("invalid", problems=(Problem("missing", ("file",)),))
        identifier = "file_011C" + turn.letters("file", BASE58, 20)
        shown = _shown(identifier, file.name, file.content_type, file.content, turn.now)
        return self._kept.put(identifier, KeptFile(shown, file.content)).shown

    def _deleted(self, turn: Turn) -> Json:
        self._kept.take(turn.ids[0])
        return {"id": turn.ids[0], "type": "file_deleted"}

    def _content(self, turn: Turn) -> Produced:
        kept = self._kept.get(turn.ids[0])
        if not kept.shown["downloadable"]:
            raise Failure("state", f"File '{turn.ids[0]}' is not downloadable")
        return Produced(Reply(body=kept.content, headers=[("content-type", kept.shown["mime_type"])]))


def _shown(identifier: str, name: str, kind: str, content: bytes, now: float) -> Json:
    return {
        "type": "file",
        "id": identifier,
        "size_bytes": len(content),
        "created_at": rfc3339(now),
        "filename": name,
        "mime_type": kind,
        "downloadable": False,
    }


def _answering(make: Callable[[Turn], Json]) -> Handler:
    return lambda turn: Produced(Reply(json=make(turn)))
