"""Mistral's batch jobs: queued for 5 seconds, worked on for a minute; cancelling takes 5 seconds.

Requests come in files or in the job itself; results lie in files, in any order, or in the job for `inline`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ...problems import Failure
from ..provider import Handler, Json, Turn, compact
from .mistral_files import MistralFiles, answering
from .number_pages import counted_page, labelled, made_between, matching, new_uuid
from .shelf import Shelf

QUEUED_SECONDS = 5.0
RUNNING_SECONDS = 60.0
CANCELLING_SECONDS = 5.0
_LIST_PARAMETERS = {  # any other is a label of the jobs asked for
    "page", "page_size", "model", "agent_id", "created_after", "created_by_me", "status", "order_by",
}  # fmt: skip
_ENDED = ("SUCCESS", "FAILED", "CANCELLED", "TIMEOUT_EXCEEDED")


@dataclass(slots=True)
class BatchJob:
    """A job, its requests and the turn that made it."""

    shown: Json
    made: Turn
    requests: list[Json]
    cancelled_after: float | None = None
    outputs: list[Json] = field(default_factory=list)


class MistralBatches:
    """The batch jobs of a workspace; `run` answers one request as status and body."""

    def __init__(
        self, files: MistralFiles, run: Callable[[Turn, str, Mapping[str, object]], tuple[int, Json]]
    ) -> None:
        self._files = files
        self._run = run
        self._kept: Shelf[BatchJob] = Shelf("Batch job")

    def handlers(self) -> Mapping[str, Handler]:
        """Its operations."""
        handlers: dict[str, Callable[[Turn], Json]] = {
            "create": self._created,
            "list": self._listed,
            "get": self._got,
            "cancel": self._cancelled,
            "delete": self._deleted,
        }
        return {f"batch.jobs.{name}": answering(one) for name, one in handlers.items()}

    def _created(self, turn: Turn) -> Json:
        files = turn.body.get("input_files") or []
        requests = list(turn.body.get("requests") or [])
        for file in files:
            requests += _lines(self._files.get(turn, file).content)
        if not requests:
            raise Failure("state", "Either input_files or requests must be given")
        shown = {
            "id": new_uuid(turn, "job"),
            "object": "batch",
            "input_files": files,
            "metadata": turn.body.get("metadata"),
            "endpoint": turn.body["endpoint"],
            "model": turn.body.get("model"),
            "agent_id": turn.body.get("agent_id"),
            "output_file": None,
            "error_file": None,
            "errors": [],
            "outputs": None,
            "status": "QUEUED",
            "created_at": int(turn.now),
            "total_requests": len(requests),
            "completed_requests": 0,
            "succeeded_requests": 0,
            "failed_requests": 0,
            "started_at": None,
            "completed_at": None,
        }
        return self._kept.put(shown["id"], BatchJob(shown, turn, requests)).shown

    def _listed(self, turn: Turn) -> Json:
        rows = [self._now(job, turn) for job in self._kept.all()]
        if turn.query.get("order_by", "-created") == "-created":
            rows.reverse()
        labels = {name: value for name, value in turn.query.items() if name not in _LIST_PARAMETERS}
        rows = labelled(made_between(turn, rows), labels)
        return counted_page(turn, matching(turn, rows, "status", "model", "agent_id"))

    def _got(self, turn: Turn) -> Json:
        job = self._kept.get(turn.ids[0])
        shown = self._now(job, turn)
        inline = turn.query.get("inline") == "true" and not shown["input_files"]
        return {**shown, "outputs": job.outputs} if inline else shown

    def _cancelled(self, turn: Turn) -> Json:
        job = self._kept.get(turn.ids[0])
        if self._now(job, turn)["status"] in _ENDED:
            raise Failure("state", f"Job {turn.ids[0]} has already ended")
        if job.cancelled_after is None:
            job.cancelled_after = turn.now - job.made.now
        return self._now(job, turn)

    def _deleted(self, turn: Turn) -> Json:
        job = self._kept.get(turn.ids[0])
        if self._now(job, turn)["status"] not in _ENDED:
            raise Failure("state", f"Job {turn.ids[0]} has not ended")
        self._kept.take(turn.ids[0])
        return {"id": turn.ids[0], "object": "batch", "deleted": True}

    def _now(self, job: BatchJob, turn: Turn) -> Json:
        """The job as it is by the clock."""
        age = turn.now - job.made.now
        if job.shown["status"] in _ENDED:
            return job.shown
        if job.cancelled_after is not None:
            return self._stopping(job, age, job.cancelled_after)
        if age >= QUEUED_SECONDS + RUNNING_SECONDS:
            return self._ended(job, len(job.requests), "SUCCESS", QUEUED_SECONDS + RUNNING_SECONDS)
        if age >= QUEUED_SECONDS:
            done = int(len(job.requests) * (age - QUEUED_SECONDS) / RUNNING_SECONDS)
            started = int(job.made.now + QUEUED_SECONDS)
            job.shown |= {"status": "RUNNING", "started_at": started, "completed_requests": done}
        return job.shown

    def _stopping(self, job: BatchJob, age: float, after: float) -> Json:
        if age < after + CANCELLING_SECONDS:
            job.shown["status"] = "CANCELLATION_REQUESTED"
            return job.shown
        share = min(max(0.0, after - QUEUED_SECONDS) / RUNNING_SECONDS, 1.0)
        return self._ended(job, int(len(job.requests) * share), "CANCELLED", after + CANCELLING_SECONDS)

    def _ended(self, job: BatchJob, number: int, status: str, age: float) -> Json:
        """Answer the first requests, and write the files."""
        results = [self._result(job, at) for at in range(number)]
        job.made.dice("order").shuffle(results)
        good = [one for one in results if one["response"]["status_code"] == 200]
        bad = [one for one in results if one["response"]["status_code"] != 200]
        job.outputs = results
        job.shown |= {
            "status": status,
            "completed_at": int(job.made.now + age),
            "completed_requests": number,
            "succeeded_requests": len(good),
            "failed_requests": len(bad),
            "output_file": self._file(job, "result", good),
            "error_file": self._file(job, "error", bad),
        }
        return job.shown

    def _file(self, job: BatchJob, kind: str, results: list[Json]) -> str | None:
        if not results:
            return None
        content = "".join(f"{compact(one)}\n" for one in results).encode()
        told = {"purpose": "batch", "sample_type": f"batch_{kind}", "source": "mistral"}
        identifier: str = self._files.keep(job.made, kind, f"{kind}.jsonl", content, **told)["id"]
        return identifier

    def _result(self, job: BatchJob, at: int) -> Json:
        request = job.requests[at]
        model = {"model": job.shown["model"]} if job.shown["model"] else {}
        body = {**model, **request["body"]}
        status, answer = self._run(job.made.sub(f"request {at}"), job.shown["endpoint"], body)
        head = {"id": new_uuid(job.made, f"result {at}"), "custom_id": request.get("custom_id")}
        return {**head, "response": {"status_code": status, "body": answer}, "error": None}


def _lines(content: bytes) -> list[Json]:
    """The requests of a file. Failure "state" that names a line which is none."""
    found: list[Json] = []
    for number, text in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        try:
            line = json.loads(text)
        except ValueError:
            line = None
        if not isinstance(line, dict) or not isinstance(line.get("body"), dict):
            raise Failure("state", f"Line {number} of the input file is no request with a body")
        found.append(line)
    return found
