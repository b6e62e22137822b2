"""Mistral's fine-tuning: files are checked for 5 seconds, a job waits for 10 and runs for a minute.

A job that does not begin by itself waits, validated, until it is started. Files must hold JSON objects, one
a line; otherwise the check fails.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...problems import Failure
from ..provider import HEX, Handler, Json, Turn
from .mistral_files import MistralFiles, answering
from .mistral_tuned import TunedModels
from .number_pages import counted_page, made_between, matching, new_uuid
from .shelf import Shelf

VALIDATING_SECONDS = 5.0
QUEUED_SECONDS = 10.0
RUNNING_SECONDS = 60.0
_ENDED = ("SUCCESS", "FAILED", "CANCELLED", "FAILED_VALIDATION")
_WITHOUT_DETAILS = ("events", "checkpoints")
_BYTES_OF_A_TOKEN = 4


@dataclass(slots=True)
class Job:
    """A job and the turn that made it; `started` is when it was let run, None while it waits."""

    shown: Json
    made: Turn
    valid: bool
    started: float | None

    def enter(self, status: str, when: float) -> Json:
        """Take it to a state; each state is an event, once."""
        self.shown["status"] = status
        if status not in (event["data"]["status"] for event in self.shown["events"]):
            event = {"name": "status-updated", "data": {"status": status}, "created_at": int(when)}
            self.shown["events"].append(event)
            self.shown["modified_at"] = int(when)
        return self.shown


class MistralTraining:
    """Fine-tuning jobs, which end in models."""

    def __init__(self, files: MistralFiles, models: TunedModels) -> None:
        self._files = files
        self._models = models
        self._kept: Shelf[Job] = Shelf("Job")

    def handlers(self) -> Mapping[str, Handler]:
        """Its operations."""
        handlers: dict[str, Callable[[Turn], Json]] = {
            "create": self._created,
            "list": self._listed,
            "get": lambda turn: self._now(self._kept.get(turn.ids[0]), turn),
            "cancel": self._cancelled,
            "start": self._start,
        }
        return {f"fine_tuning.jobs.{name}": answering(one) for name, one in handlers.items()}

    def _created(self, turn: Turn) -> Json:
        ids = [one["file_id"] for one in turn.body.get("training_files") or []]
        contents = [self._files.get(turn, file).content for file in ids]
        repositories = turn.body.get("repositories") or []
        if not contents and not repositories:
            raise Failure("state", "A job needs training files or repositories")
        tokens = sum(len(content) // _BYTES_OF_A_TOKEN for content in contents)
        if turn.query.get("dry_run") == "true":
            return _estimate(turn, tokens)
        auto = turn.body.get("auto_start") is not False
        shown = {
            "id": new_uuid(turn, "job"),
            "auto_start": auto,
            "model": turn.model,
            "status": "VALIDATING",
            "created_at": int(turn.now),
            "modified_at": int(turn.now),
            "training_files": ids,
            "validation_files": turn.body.get("validation_files") or [],
            "object": "job",
            "fine_tuned_model": None,
            "suffix": turn.body.get("suffix"),
            "integrations": [_without(one, "api_key") for one in turn.body.get("integrations") or []],
            "trained_tokens": None,
            "metadata": {"expected_duration_seconds": int(RUNNING_SECONDS), "data_tokens": tokens},
            "job_type": turn.body.get("job_type") or "completion",
            "hyperparameters": turn.body["hyperparameters"],
            "repositories": [_repository(turn, one) for one in repositories],
            **_targets(turn.body),
            "events": [],
            "checkpoints": [],
        }
        valid = all(_is_lines(content) for content in contents)
        begun = turn.now + VALIDATING_SECONDS if auto else None
        return _brief(self._now(self._kept.put(shown["id"], Job(shown, turn, valid, begun)), turn))

    def _listed(self, turn: Turn) -> Json:
        rows = [_brief(self._now(job, turn)) for job in reversed(self._kept.all())]
        return counted_page(turn, matching(turn, made_between(turn, rows), "model", "status", "suffix"))

    def _cancelled(self, turn: Turn) -> Json:
        job = self._kept.get(turn.ids[0])
        if self._now(job, turn)["status"] in _ENDED:
            raise Failure("state", f"Job {turn.ids[0]} has already ended")
        return job.enter("CANCELLED", turn.now)

    def _start(self, turn: Turn) -> Json:
        job = self._kept.get(turn.ids[0])
        if self._now(job, turn)["status"] != "VALIDATED":
            raise Failure("state", f"Job {turn.ids[0]} does not wait to be started")
        job.started = turn.now
        return self._now(job, turn)

    def _now(self, job: Job, turn: Turn) -> Json:
        """The job as it is by the clock, with events and checkpoints."""
        if job.shown["status"] in _ENDED:
            return job.shown
        checked = job.made.now + VALIDATING_SECONDS
        job.enter("VALIDATING", job.made.now)
        if turn.now < checked:
            return job.shown
        if not job.valid:
            return job.enter("FAILED_VALIDATION", checked)
        job.enter("VALIDATED", checked)
        return job.shown if job.started is None else self._running(job, job.started, turn.now)

    def _running(self, job: Job, started: float, now: float) -> Json:
        job.enter("QUEUED", started)
        if now >= started + QUEUED_SECONDS:
            job.enter("RUNNING", started + QUEUED_SECONDS)
        ended = started + QUEUED_SECONDS + RUNNING_SECONDS
        if now >= ended:
            job.enter("SUCCESS", ended)
            self._succeed(job, int(ended))
        return job.shown

    def _succeed(self, job: Job, ended: int) -> None:
        shown = job.shown
        metrics = {"train_loss": 0.5, "valid_loss": 0.6, "valid_mean_token_accuracy": 0.9}
        steps = shown["hyperparameters"].get("training_steps") or 100
        shown["fine_tuned_model"] = self._models.trained(job.made, shown, ended)
        shown["trained_tokens"] = shown["metadata"]["data_tokens"]
        shown["checkpoints"] = [{"metrics": metrics, "step_number": steps, "created_at": ended}]


def _is_lines(content: bytes) -> bool:
    """Whether a file has JSON objects, one a line."""
    try:
        lines = [json.loads(line) for line in content.splitlines() if line.strip()]
    except ValueError:
        return False
    return bool(lines) and all(isinstance(line, dict) for line in lines)


def _brief(shown: Json) -> Json:
    """A job as it stands in lists."""
    return {name: value for name, value in shown.items() if name not in _WITHOUT_DETAILS}


def _without(given: Mapping[str, Any], secret: str) -> Json:
    return {name: value for name, value in given.items() if name != secret}


def _repository(turn: Turn, given: Mapping[str, Any]) -> Json:
    return {**_without(given, "token"), "commit_id": turn.letters(f"commit of {given['name']}", HEX, 40)}


def _targets(body: Mapping[str, Any]) -> Json:
    if body.get("job_type") != "classifier":
        return {}
    usual = {"weight": 1.0, "loss_function": "single_class"}
    return {"classifier_targets": [{**usual, **one} for one in body.get("classifier_targets") or []]}


def _estimate(turn: Turn, tokens: int) -> Json:
    parameters = turn.body["hyperparameters"]
    return {
        "object": "job.metadata",
        "details": "Estimated from the size of the files.",
        "expected_duration_seconds": int(RUNNING_SECONDS),
        "train_tokens": tokens,
        "data_tokens": tokens,
        "training_steps": parameters.get("training_steps"),
        "epochs": parameters.get("epochs"),
        "deprecated": True,
    }
