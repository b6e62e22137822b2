"""Vector stores: files are read for 2 seconds; a search ranks their pieces by the words they share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...problems import Failure, Problem
from ...script import Reply
from ..provider import ALNUM, HEX, Handler, Json, Produced, Turn
from .files import Files
from .shelf import Shelf

READING_SECONDS = 2.0
_PIECE = 800
_WORD = re.compile(r"\w+")
_STATES = ("in_progress", "completed", "failed", "cancelled")


@dataclass(slots=True)
class Store:
    """A store with its files by id, in order, and its batches of files."""

    shown: Json
    files: Shelf[Json] = field(default_factory=lambda: Shelf("File"))
    batches: Shelf[Json] = field(default_factory=lambda: Shelf("FileBatch"))


class VectorStores:
    """The stores of a provider."""

    def __init__(self, files: Files, whole: Callable[[Any], Reply]) -> None:
        self._files = files
        self._whole = whole
        self._kept: Shelf[Store] = Shelf("Vector store")

    def handlers(self) -> Mapping[str, Handler]:
        """Its operations."""
        handlers: dict[str, Callable[[Turn], Json]] = {
            "create": self._created,
            "list": lambda turn: self._kept.page(turn, lambda store: self._now(store, turn)),
            "get": lambda turn: self._now(self._store(turn), turn),
            "update": self._updated,
            "delete": self._deleted,
            "search": self._found,
            "files.create": lambda turn: self._added(turn, self._store(turn), turn.body),
            "files.list": lambda turn: self._listed(turn, None),
            "files.get": lambda turn: self._file(turn),
            "files.update": self._attributed,
            "files.delete": self._removed,
            "files.content": self._text_of,
            "file_batches.create": self._batched,
            "file_batches.get": lambda turn: self._batch(turn),
            "file_batches.cancel": self._batch_cancelled,
            "file_batches.list_files": lambda turn: self._listed(turn, self._batch(turn)["id"]),
        }
        return {f"vector_stores.{name}": self._answering(one) for name, one in handlers.items()}

    def _answering(self, make: Callable[[Turn], Json]) -> Handler:
        return lambda turn: Produced(self._whole(_public(make(turn))))

    def _store(self, turn: Turn) -> Store:
        return self._kept.get(turn.ids[0])

    def _created(self, turn: Turn) -> Json:
        identifier = "vs_" + turn.letters("store", ALNUM, 24)
        shown = {
            "id": identifier,
            "object": "vector_store",
            "created_at": int(turn.now),
            "name": turn.body.get("name") or "",
            "description": turn.body.get("description"),
            "usage_bytes": 0,
            "file_counts": {},
            "status": "in_progress",
            "expires_after": turn.body.get("expires_after"),
            "expires_at": None,
            "last_active_at": int(turn.now),
            "metadata": turn.body.get("metadata") or {},
        }
        store = self._kept.put(identifier, Store(shown))
        for file_id in turn.body.get("file_ids") or ():
            self._added(turn, store, {"file_id": file_id, **_chunking(turn.body)})
        return self._now(store, turn)

    def _now(self, store: Store, turn: Turn) -> Json:
        files = [self._read(file, turn) for file in store.files.all()]
        counts = _counts(files)
        store.shown["file_counts"] = counts
        store.shown["usage_bytes"] = sum(file["usage_bytes"] for file in files)
        store.shown["status"] = "in_progress" if counts["in_progress"] else "completed"
        return store.shown

    def _updated(self, turn: Turn) -> Json:
        store = self._store(turn)
        changed = {
            name: turn.body[name] for name in ("name", "expires_after", "metadata") if name in turn.body
        }
        store.shown |= changed
        return self._now(store, turn)

    def _deleted(self, turn: Turn) -> Json:
        self._kept.take(turn.ids[0])
        return {"id": turn.ids[0], "object": "vector_store.deleted", "deleted": True}

    def _added(self, turn: Turn, store: Store, told: Mapping[str, Any], batch: str | None = None) -> Json:
        kept = self._files.kept.get(told["file_id"])
        shown = {
            "id": told["file_id"],
            "object": "vector_store.file",
            "usage_bytes": 0,
            "created_at": int(turn.now),
            "vector_store_id": store.shown["id"],
            "status": "in_progress",
            "last_error": None,
            "chunking_strategy": _strategy(told.get("chunking_strategy")),
            "attributes": told.get("attributes") or {},
            "_added": turn.now,
            "_name": kept.shown["filename"],
            "_text": kept.content.decode("utf-8", "replace"),
            "_batch": batch,
        }
        return store.files.put(told["file_id"], shown)

    def _read(self, file: Json, turn: Turn) -> Json:
        if file["status"] == "in_progress" and turn.now - file["_added"] >= READING_SECONDS:
            file |= {"status": "completed", "usage_bytes": len(file["_text"])}
        return file

    def _file(self, turn: Turn) -> Json:
        return self._read(self._store(turn).files.get(turn.ids[1]), turn)

    def _listed(self, turn: Turn, batch: str | None) -> Json:
        wanted = turn.query.get("filter")
        return self._store(turn).files.page(
            turn,
            lambda file: _public(file),
            keep=lambda file: (
                wanted in (None, self._read(file, turn)["status"]) and batch in (None, file["_batch"])
            ),
        )

    def _attributed(self, turn: Turn) -> Json:
        file = self._file(turn)
        file["attributes"] = turn.body["attributes"] or {}
        return file

    def _removed(self, turn: Turn) -> Json:
        self._store(turn).files.take(turn.ids[1])
        return {"id": turn.ids[1], "object": "vector_store.file.deleted", "deleted": True}

    def _text_of(self, turn: Turn) -> Json:
        parts = [{"type": "text", "text": piece} for piece in _pieces(self._file(turn))]
        head = {"object": "vector_store.file_content.page", "data": parts}
        return {**head, "has_more": False, "next_page": None}

    def _batched(self, turn: Turn) -> Json:
        store = self._store(turn)
        told = turn.body.get("files") or [
            {"file_id": one, "attributes": turn.body.get("attributes"), **_chunking(turn.body)}
            for one in turn.body.get("file_ids") or ()
        ]
        if not told:
            raise Failure("invalid", problems=(Problem("missing", ("file_ids",)),))
        identifier = "vsfb_" + turn.letters("batch", HEX, 32)
        for one in told:
            self._added(turn, store, one, identifier)
        shown = {
            "id": identifier,
            "object": "vector_store.file_batch",
            "created_at": int(turn.now),
            "status": "in_progress",
            "vector_store_id": store.shown["id"],
            "file_counts": {},
        }
        store.batches.put(identifier, shown)
        return self._counted(shown, store, turn)

    def _counted(self, batch: Json, store: Store, turn: Turn) -> Json:
        files = [self._read(one, turn) for one in store.files.all() if one["_batch"] == batch["id"]]
        batch["file_counts"] = _counts(files)
        if batch["status"] == "in_progress" and not batch["file_counts"]["in_progress"]:
            batch["status"] = "completed"
        return batch

    def _batch(self, turn: Turn) -> Json:
        store = self._store(turn)
        return self._counted(store.batches.get(turn.ids[1]), store, turn)

    def _batch_cancelled(self, turn: Turn) -> Json:
        batch, store = self._batch(turn), self._store(turn)
        if batch["status"] == "in_progress":
            batch["status"] = "cancelled"
            for file in store.files.all():
                if file["_batch"] == batch["id"] and file["status"] == "in_progress":
                    file["status"] = "cancelled"
        return self._counted(batch, store, turn)

    def _found(self, turn: Turn) -> Json:
        queries = turn.body["query"]
        queries = [queries] if isinstance(queries, str) else list(queries)
        wanted = _words(" ".join(queries))
        rows = [
            self._result(file, wanted)
            for file in self._store(turn).files.all()
            if self._read(file, turn)["status"] == "completed" and _fits(turn.body.get("filters"), file)
        ]
        least = (turn.body.get("ranking_options") or {}).get("score_threshold") or 0
        rows = sorted((row for row in rows if row["score"] >= least), key=lambda row: -row["score"])
        return {
            "object": "vector_store.search_results.page",
            "search_query": queries,
            "data": rows[: turn.body.get("max_num_results") or 10],
            "has_more": False,
            "next_page": None,
        }

    @staticmethod
    def _result(file: Json, wanted: set[str]) -> Json:
        best = max(_pieces(file), key=lambda piece: len(wanted & _words(piece)))
        score = len(wanted & _words(best)) / (len(wanted) or 1)
        head = {"file_id": file["id"], "filename": file["_name"], "score": round(score, 4)}
        return {**head, "attributes": file["attributes"], "content": [{"type": "text", "text": best}]}


def _pieces(file: Json) -> list[str]:
    text = file["_text"]
    return [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)] or [""]


def _public(shown: Json) -> Json:
    return {name: value for name, value in shown.items() if not name.startswith("_")}


def _counts(files: list[Json]) -> Json:
    counts = {state: sum(file["status"] == state for file in files) for state in _STATES}
    return {**counts, "total": len(files)}


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text)}


def _chunking(body: Mapping[str, Any]) -> Json:
    return {"chunking_strategy": body["chunking_strategy"]} if body.get("chunking_strategy") else {}


def _strategy(told: Mapping[str, Any] | None) -> Json:
    if told and told.get("type") == "static":
        return dict(told)
    return {"type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}}


def _fits(rule: Mapping[str, Any] | None, file: Json) -> bool:
    """Whether a file's attributes pass a filter."""
    if rule is None:
        return True
    if rule["type"] in ("and", "or"):
        return (all if rule["type"] == "and" else any)(_fits(one, file) for one in rule["filters"])
    return _compares(rule["type"], file["attributes"].get(rule["key"]), rule["value"])


def _compares(how: str, value: Any, wanted: Any) -> bool:
    if how in ("eq", "ne"):
        return bool(value == wanted) == (how == "eq")
    if how in ("in", "nin"):
        return (value in (wanted if isinstance(wanted, list) else [wanted])) == (how == "in")
    numbers = isinstance(value, int | float) and isinstance(wanted, int | float)
    if not numbers and not (isinstance(value, str) and isinstance(wanted, str)):
        return False  # nothing of one kind is more than something of another
    larger = bool(value > wanted)
    return {"gt": larger, "lte": not larger, "gte": larger or value == wanted}.get(
        how, not larger and value != wanted
    )
