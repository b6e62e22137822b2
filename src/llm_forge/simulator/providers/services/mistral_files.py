"""Mistral's files. A signed URL is shown, and leads nowhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...forms import FormFile
from ...problems import Failure, Problem
from ...script import Reply
from ..provider import Handler, Json, Produced, Turn
from .number_pages import counted_page, matching, new_uuid
from .shelf import Shelf

_SAMPLES = {"batch": "batch_request", "fine-tune": "instruct", "ocr": "ocr_input"}
_HOUR = 3600


@dataclass(slots=True)
class KeptFile:
    """A file and what is told of it."""

    shown: Json
    content: bytes


class MistralFiles:
    """The files of a workspace."""

    def __init__(self) -> None:
        self._kept: Shelf[KeptFile] = Shelf("File")

    def handlers(self) -> Mapping[str, Handler]:
        """Its operations."""
        handlers: dict[str, Callable[[Turn], Json]] = {
            "files.upload": self._uploaded,
            "files.list": self._listed,
            "files.get": lambda turn: {**self.get(turn, turn.ids[0]).shown, "deleted": False},
            "files.delete": self._deleted,
            "files.get_signed_url": self._signed,
        }
        made: dict[str, Handler] = {name: answering(one) for name, one in handlers.items()}
        return {**made, "files.download": self._content}

    def keep(self, turn: Turn, label: str, name: str, content: bytes, **told: Any) -> Json:
        """Keep a file; returns the object that describes it. `told`: purpose, sample_type, source."""
        identifier = new_uuid(turn, label)
        lines = name.endswith(".jsonl")
        shown = {
            "id": identifier,
            "object": "file",
            "bytes": len(content),
            "created_at": int(turn.now),
            "filename": name,
            "num_lines": len(content.splitlines()) if lines else None,
            "mimetype": "application/jsonl" if lines else None,
            "signature": hashlib.md5(content, usedforsecurity=False).hexdigest(),
            "expires_at": None,
            "visibility": "workspace",
            **told,
        }
        return self._kept.put(identifier, KeptFile(shown, content)).shown

    def get(self, turn: Turn, identifier: str) -> KeptFile:
        """A file. Failure "missing" if there is none, or none any more."""
        kept = self._kept.get(identifier)
        expires = kept.shown["expires_at"]
        if expires is not None and turn.now >= expires:
            self._kept.take(identifier)
        return self._kept.get(identifier)

    def _uploaded(self, turn: Turn) -> Json:
        file = turn.body.get("file")
        if not isinstance(file, FormFile):
            raise Failure("invalid", problems=(Problem("missing", ("file",)),))
        purpose = str(turn.body.get("purpose") or "fine-tune")
        hours = str(turn.body.get("expiry") or "")
        told = {
            "purpose": purpose,
            "sample_type": _SAMPLES.get(purpose, "instruct"),
            "source": "upload",
            "visibility": turn.body.get("visibility") or "workspace",
            "expires_at": int(turn.now) + int(hours) * _HOUR if hours.isdecimal() else None,
        }
        if told["expires_at"] is None and hours:
            raise Failure("invalid", problems=(Problem("type", ("expiry",), "integer", hours),))
        return self.keep(turn, "file", file.name, file.content, **told)

    def _listed(self, turn: Turn) -> Json:
        rows = [one.shown for one in reversed(self._kept.all())]
        rows = [row for row in rows if row["expires_at"] is None or row["expires_at"] > turn.now]
        text = turn.query.get("search", "")
        rows = [row for row in rows if text in row["filename"]]
        rows = matching(turn, rows, "purpose", "sample_type", "source", mimetype="mimetypes")
        page = counted_page(turn, rows)
        return {**page, "total": None} if turn.query.get("include_total") == "false" else page

    def _deleted(self, turn: Turn) -> Json:
        self._kept.take(turn.ids[0])
        return {"id": turn.ids[0], "object": "file", "deleted": True}

    def _signed(self, turn: Turn) -> Json:
        self.get(turn, turn.ids[0])
        return {"url": f"https://files.example/{turn.ids[0]}?hours={turn.query.get('expiry', '24')}"}

    def _content(self, turn: Turn) -> Produced:
        headers = [("content-type", "application/octet-stream")]
        return Produced(Reply(body=self.get(turn, turn.ids[0]).content, headers=headers))


def answering(make: Callable[[Turn], Any]) -> Handler:
    """A handler that answers by the JSON that `make` gives."""
    return lambda turn: Produced(Reply(json=make(turn)))
