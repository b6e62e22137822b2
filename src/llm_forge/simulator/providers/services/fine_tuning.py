"""Fine-tuning jobs: files are checked for 5 seconds, a job waits for 10 and runs for a minute."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...problems import Failure
from ...script import Reply
from ..provider import ALNUM, Handler, Json, Produced, Turn
from .files import Files
from .shelf import Shelf, page_of

CHECKING_SECONDS = 5.0
QUEUED_SECONDS = 10.0
RUNNING_SECONDS = 60.0
_ENDED = ("succeeded", "failed", "cancelled")
_MESSAGES = (
    (0.0, "Created fine-tuning job"),
    (CHECKING_SECONDS, "Files validated, moving job to queued state"),
    (CHECKING_SECONDS + QUEUED_SECONDS, "Fine-tuning job started"),
    (CHECKING_SECONDS + QUEUED_SECONDS + RUNNING_SECONDS, "The job has successfully completed"),
)


@dataclass(slots=True)
class Job:
    """A job; `paused_at` and `lost` are ages, in seconds of the clock."""

    shown: Json
    made: Turn
    tokens: int
    paused_at: float | None = None
    lost: float = 0.0

    def age(self, turn: Turn) -> float:
        """Seconds of its life without pauses."""
        passed = turn.now - self.made.now
        return (passed if self.paused_at is None else self.paused_at) - self.lost


class FineTuning:
    """The jobs of a provider."""

    def __init__(self, files: Files, whole: Callable[[Any], Reply]) -> None:
        self._files = files
        self._whole = whole
        self._kept: Shelf[Job] = Shelf("fine tune")

    def handlers(self) -> Mapping[str, Handler]:
        """Its operations."""
        handlers: dict[str, Callable[[Turn], Json]] = {
            "create": self._created,
            "list": lambda turn: self._kept.page(turn, lambda job: self._now(job, turn)),
            "get": lambda turn: self._now(self._kept.get(turn.ids[0]), turn),
            "cancel": self._cancelled,
            "pause": self._paused,
            "resume": self._resumed,
            "list_events": self._events,
            "checkpoints.list": self._checkpoints,
        }
        return {f"fine_tuning.jobs.{name}": self._answering(one) for name, one in handlers.items()}

    def _answering(self, make: Callable[[Turn], Json]) -> Handler:
        return lambda turn: Produced(self._whole(make(turn)))

    def _created(self, turn: Turn) -> Json:
        tokens = len(self._files.kept.get(turn.body["training_file"]).content) // 4
        identifier = "ftjob-" + turn.letters("job", ALNUM, 24)
        method = turn.body.get("method") or {"type": "supervised"}
        auto = dict.fromkeys(("n_epochs", "batch_size", "learning_rate_multiplier"), "auto")
        shown = {
            "object": "fine_tuning.job",
            "id": identifier,
            "model": turn.model,
            "created_at": int(turn.now),
            "finished_at": None,
            "fine_tuned_model": None,
            "organization_id": "org-simulated",
            "result_files": [],
            "status": "validating_files",
            "validation_file": turn.body.get("validation_file"),
            "training_file": turn.body["training_file"],
            "hyperparameters": turn.body.get("hyperparameters") or auto,
            "trained_tokens": None,
            "error": {},
            "user_provided_suffix": turn.body.get("suffix"),
            "seed": turn.body.get("seed") or 42,
            "estimated_finish": None,
            "integrations": turn.body.get("integrations") or [],
            "metadata": turn.body.get("metadata"),
            "method": method,
        }
        return self._kept.put(identifier, Job(shown, turn, tokens)).shown

    def _now(self, job: Job, turn: Turn) -> Json:
        if job.shown["status"] in _ENDED or job.paused_at is not None:
            return job.shown
        age = job.age(turn)
        if age >= _MESSAGES[-1][0]:
            self._succeed(job)
        elif age >= CHECKING_SECONDS + QUEUED_SECONDS:
            job.shown["status"] = "running"
        elif age >= CHECKING_SECONDS:
            job.shown["status"] = "queued"
        return job.shown

    def _succeed(self, job: Job) -> None:
        suffix = job.shown["user_provided_suffix"] or ""
        model = f"ft:{job.shown['model']}:simulated:{suffix}:{job.made.letters('model', ALNUM, 8)}"
        metrics = self._files.keep(
            job.made, "metrics", "step_metrics.csv", "fine-tune-results", b"step,train_loss\n1,0.5\n"
        )
        job.shown |= {"status": "succeeded", "fine_tuned_model": model, "trained_tokens": job.tokens}
        finished = int(job.made.now + _MESSAGES[-1][0] + job.lost)
        job.shown |= {"finished_at": finished, "result_files": [metrics["id"]]}

    def _cancelled(self, turn: Turn) -> Json:
        job = self._running(turn)
        job.shown |= {"status": "cancelled", "finished_at": int(turn.now)}
        return job.shown

    def _paused(self, turn: Turn) -> Json:
        job = self._running(turn)
        job.paused_at = turn.now - job.made.now
        job.shown["status"] = "paused"
        return job.shown

    def _resumed(self, turn: Turn) -> Json:
        job = self._kept.get(turn.ids[0])
        if job.paused_at is None:
            raise Failure("state", f"Job {turn.ids[0]} is not paused.")
        job.lost += turn.now - job.made.now - job.paused_at
        job.paused_at = None
        return self._now(job, turn)

    def _running(self, turn: Turn) -> Job:
        job = self._kept.get(turn.ids[0])
        if self._now(job, turn)["status"] in _ENDED:
            raise Failure("state", f"Job has already completed: {turn.ids[0]}")
        return job

    def _events(self, turn: Turn) -> Json:
        job = self._kept.get(turn.ids[0])
        self._now(job, turn)
        rows = [
            self._event(job, at, age, message)
            for at, (age, message) in enumerate(_MESSAGES)
            if age <= job.age(turn) and (age == 0 or job.shown["status"] != "cancelled")
        ]
        return page_of(turn, [(row["id"], row) for row in rows])

    def _event(self, job: Job, at: int, age: float, message: str) -> Json:
        return {
            "object": "fine_tuning.job.event",
            "id": "ftevent-" + job.made.letters(f"event {at}", ALNUM, 24),
            "created_at": int(job.made.now + age),
            "level": "info",
            "message": message,
            "data": {},
            "type": "message",
        }

    def _checkpoints(self, turn: Turn) -> Json:
        job = self._kept.get(turn.ids[0])
        steps = (30, 60, 90) if self._now(job, turn)["status"] == "succeeded" else ()
        rows = [self._checkpoint(job, step) for step in steps]
        return page_of(turn, [(row["id"], row) for row in rows], limit=10)

    def _checkpoint(self, job: Job, step: int) -> Json:
        last = step == 90
        name = job.shown["fine_tuned_model"] + ("" if last else f":ckpt-step-{step}")
        return {
            "object": "fine_tuning.job.checkpoint",
            "id": "ftckpt_" + job.made.letters(f"checkpoint {step}", ALNUM, 24),
            "created_at": job.shown["finished_at"],
            "fine_tuned_model_checkpoint": name,
            "fine_tuning_job_id": job.shown["id"],
            "metrics": {"step": step, "train_loss": 1.0 / step, "train_mean_token_accuracy": 0.9},
            "step_number": step,
        }
