"""Files, and uploads in parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...forms import FormFile
from ...problems import Failure, Problem
from ...script import Reply
from ..provider import ALNUM, Handler, Json, Produced, Turn
from .shelf import Shelf

_UPLOAD_SECONDS = 3600


@dataclass(slots=True)
class KeptFile:
    """A file and what is told of it."""

    shown: Json
    content: bytes


@dataclass(slots=True)
class Upload:
    """A file that arrives in parts."""

    shown: Json
    parts: dict[str, bytes] = field(default_factory=dict)


class Files:
    """The files of a provider; `whole` writes an answer in its layout."""

    def __init__(self, whole: Callable[[Any], Reply]) -> None:
        self._whole = whole
        self.kept: Shelf[KeptFile] = Shelf("File")
        self._uploads: Shelf[Upload] = Shelf("Upload")

    def handlers(self) -> Mapping[str, Handler]:
        """Its operations."""
        return {
            "files.create": lambda turn: self._answer(self._created(turn)),
            "files.list": lambda turn: self._answer(self._listed(turn)),
            "files.get": lambda turn: self._answer(self.kept.get(turn.ids[0]).shown),
            "files.delete": lambda turn: self._answer(self._deleted(turn)),
            "files.content": self._content,
            "uploads.create": lambda turn: self._answer(self._begun(turn)),
            "uploads.parts.create": lambda turn: self._answer(self._part(turn)),
            "uploads.complete": lambda turn: self._answer(self._completed(turn)),
            "uploads.cancel": lambda turn: self._answer(self._ended(turn, "cancelled")),
        }

    def keep(self, turn: Turn, label: str, name: str, purpose: str, content: bytes) -> Json:
        """Keep a file; returns the object that describes it."""
        identifier = "file-" + turn.letters(label, ALNUM, 22)
        shown = {
            "object": "file",
            "id": identifier,
            "purpose": purpose,
            "filename": name,
            "bytes": len(content),
            "created_at": int(turn.now),
            "expires_at": None,
            "status": "processed",
            "status_details": None,
        }
        return self.kept.put(identifier, KeptFile(shown, content)).shown

    def _answer(self, body: Json) -> Produced:
        return Produced(self._whole(body))

    def _created(self, turn: Turn) -> Json:
        file = turn.body.get("file")
        if not isinstance(file, FormFile):
            raise Failure("invalid", problems=(Problem("missing", ("file",)),))
        shown = self.keep(turn, "file", file.name, str(turn.body.get("purpose")), file.content)
        seconds = (turn.body.get("expires_after") or {}).get("seconds")
        shown["expires_at"] = int(turn.now) + int(seconds) if seconds else None
        return shown

    def _listed(self, turn: Turn) -> Json:
        purpose = turn.query.get("purpose")
        return self.kept.page(
            turn, lambda kept: kept.shown, keep=lambda kept: purpose in (None, kept.shown["purpose"])
        )

    def _deleted(self, turn: Turn) -> Json:
        self.kept.take(turn.ids[0])
        return {"object": "file", "deleted": True, "id": turn.ids[0]}

    def _content(self, turn: Turn) -> Produced:
        kept = self.kept.get(turn.ids[0])
        name = kept.shown["filename"].replace('"', "")
        headers = [
            ("content-type", "application/octet-stream"),
            ("content-disposition", f'attachment; filename="{name}"'),
        ]
        return Produced(Reply(body=kept.content, headers=headers))

    def _begun(self, turn: Turn) -> Json:
        identifier = "upload_" + turn.letters("upload", ALNUM, 24)
        shown = {
            "id": identifier,
            "object": "upload",
            "bytes": turn.body["bytes"],
            "created_at": int(turn.now),
            "filename": turn.body["filename"],
            "purpose": turn.body["purpose"],
            "status": "pending",
            "expires_at": int(turn.now) + _UPLOAD_SECONDS,
            "file": None,
        }
        return self._uploads.put(identifier, Upload(shown)).shown

    def _part(self, turn: Turn) -> Json:
        upload = self._open_upload(turn)
        data = turn.body.get("data")
        if not isinstance(data, FormFile):
            raise Failure("invalid", problems=(Problem("missing", ("data",)),))
        identifier = "part_" + turn.letters("part", ALNUM, 24)
        upload.parts[identifier] = data.content
        head = {"id": identifier, "object": "upload.part", "created_at": int(turn.now)}
        return {**head, "upload_id": turn.ids[0]}

    def _completed(self, turn: Turn) -> Json:
        upload = self._open_upload(turn)
        unknown = [part for part in turn.body["part_ids"] if part not in upload.parts]
        if unknown:
            raise Failure("missing", unknown[0], unit="Part")
        content = b"".join(upload.parts[part] for part in turn.body["part_ids"])
        if len(content) != upload.shown["bytes"]:
            raise Failure("state", f"The parts have {len(content)} bytes, not {upload.shown['bytes']}.")
        name, purpose = upload.shown["filename"], upload.shown["purpose"]
        upload.shown["file"] = self.keep(turn, "file", name, purpose, content)
        return self._ended(turn, "completed")

    def _ended(self, turn: Turn, status: str) -> Json:
        upload = self._open_upload(turn)
        upload.shown["status"] = status
        return upload.shown

    def _open_upload(self, turn: Turn) -> Upload:
        upload = self._uploads.get(turn.ids[0])
        if upload.shown["status"] == "pending" and turn.now > upload.shown["expires_at"]:
            upload.shown["status"] = "expired"
        if upload.shown["status"] != "pending":
            raise Failure("state", f"Upload is {upload.shown['status']}, no longer pending.")
        return upload
