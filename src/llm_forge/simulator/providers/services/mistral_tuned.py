"""Models that Mistral's training made: renamed, put away, taken back, deleted, and among all models.

As any model is served, one that was never trained here may be changed too; a deleted one is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import unquote

from ...problems import Failure
from ..provider import EPOCH, HEX, Handler, Json, Turn
from .mistral_files import answering
from .shelf import Shelf

_PREFIX = "ft:"


class TunedModels:
    """The models of a workspace; `check_model` refuses names that are never served."""

    def __init__(self, check_model: Callable[[str], None]) -> None:
        self._check_model = check_model
        self._kept: Shelf[Json] = Shelf("Model")
        self._deleted: set[str] = set()

    def handlers(self) -> Mapping[str, Handler]:
        """Its operations."""
        handlers: dict[str, Callable[[Turn], Json]] = {
            "update": self._updated,
            "archive": lambda turn: self._archived(turn, archived=True),
            "unarchive": lambda turn: self._archived(turn, archived=False),
            "delete": self._removed,
        }
        return {f"models.{name}": answering(one) for name, one in handlers.items()}

    def trained(self, turn: Turn, job: Json, created: int) -> str:
        """The name of the model that a job has made."""
        day = "20260101"
        tail = f"{job['suffix'] or 'simulated'}:{day}:{turn.letters('model', HEX, 8)}"
        name = f"{_PREFIX}{job['model']}:{tail}"
        self._kept.put(name, _shown(name, job, created))
        return name

    def cards(self) -> list[Json]:
        """The models as they stand among all models."""
        return [_card(model) for model in self._kept.all()]

    def card(self, name: str) -> Json | None:
        """A model as it stands among all models, None if it is no tuned one. Failure "missing" if deleted."""
        return _card(self._get(name)) if name.startswith(_PREFIX) else None

    def targets(self, name: str) -> dict[str, list[str]]:
        """The labels that a classifier tells apart, by target."""
        model = self._get(name) if name.startswith(_PREFIX) else {}
        return {one["name"]: one["labels"] for one in model.get("classifier_targets") or ()}

    def _get(self, name: str) -> Json:
        if name in self._deleted:
            raise Failure("missing", name, unit="Model")
        self._check_model(name)
        if name not in self._kept:
            parts = name.removeprefix(_PREFIX).split(":")
            job = {"model": parts[0], "job_type": "completion", "id": "simulated"}
            self._kept.put(name, _shown(name, job, EPOCH))
        return self._kept.get(name)

    def _of(self, turn: Turn) -> Json:
        return self._get(unquote(turn.ids[0]))

    def _updated(self, turn: Turn) -> Json:
        model = self._of(turn)
        model |= {name: turn.body[name] for name in ("name", "description") if name in turn.body}
        return model

    def _archived(self, turn: Turn, *, archived: bool) -> Json:
        model = self._of(turn)
        model["archived"] = archived
        return {"id": model["id"], "object": "model", "archived": archived}

    def _removed(self, turn: Turn) -> Json:
        name = self._of(turn)["id"]
        self._kept.take(name)
        self._deleted.add(name)
        return {"id": name, "object": "model", "deleted": True}


def _shown(name: str, job: Json, created: int) -> Json:
    chat = job["job_type"] == "completion"
    capabilities = {
        "completion_chat": chat,
        "completion_fim": False,
        "function_calling": False,
        "fine_tuning": False,
        "classification": not chat,
    }
    model = {
        "id": name,
        "object": "model",
        "created": created,
        "owned_by": "simulated",
        "workspace_id": "simulated",
        "root": job["model"],
        "root_version": "1",
        "archived": False,
        "name": None,
        "description": None,
        "capabilities": capabilities,
        "max_context_length": 32_768,
        "aliases": [],
        "job": job["id"],
        "model_type": job["job_type"],
    }
    return model if chat else {**model, "classifier_targets": job["classifier_targets"]}


def _card(model: Json) -> Json:
    kept = ("id", "object", "created", "owned_by", "capabilities", "name", "description")
    rest = ("max_context_length", "aliases", "job", "root", "archived")
    shown = {name: model[name] for name in (*kept, *rest)}
    return {**shown, "deprecation": None, "type": "fine-tuned"}
