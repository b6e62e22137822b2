"""Batches: a file of requests that is answered while the clock goes on.

A batch is validated for 5 seconds and worked on for a minute; then its results lie in files, in any order.
Moving the clock (`Simulator.advance`) moves it from state to state.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...problems import Failure
from ...script import Reply
from ..provider import HEX, Handler, Json, Produced, Turn, compact
from .files import Files
from .shelf import Shelf

VALIDATING_SECONDS = 5.0
WORKING_SECONDS = 60.0
FINALIZING_SECONDS = 5.0
CANCELLING_SECONDS = 5.0
_DAY = 86_400
_ENDED = ("failed", "completed", "expired", "cancelled")
_STAMPS = (
    "in_progress_at", "expires_at", "finalizing_at", "completed_at", "failed_at", "expired_at",
    "cancelling_at", "cancelled_at",
)  # fmt: skip


@dataclass(slots=True)
class Batch:
    """A batch and the turn that made it, whose randomness its results have."""

    shown: Json
    made: Turn
    lines: list[Json] = field(default_factory=list)
    cancelled_after: float | None = None  # seconds of its life


class Batches:
    """The batches of a provider; `run` answers one request of a file as status and body."""

    def __init__(
        self,
        files: Files,
        whole: Callable[[Any], Reply],
        run: Callable[[Turn, str, Mapping[str, Any]], tuple[int, Json]],
    ) -> None:
        self._files = files
        self._whole = whole
        self._run = run
        self._kept: Shelf[Batch] = Shelf("Batch")

    def handlers(self) -> Mapping[str, Handler]:
        """Its operations."""
        return {
            "batches.create": lambda turn: self._answer(self._created(turn)),
            "batches.list": lambda turn: self._answer(
                self._kept.page(turn, lambda batch: self._now(batch, turn))
            ),
            "batches.get": lambda turn: self._answer(self._now(self._kept.get(turn.ids[0]), turn)),
            "batches.cancel": lambda turn: self._answer(self._cancelled(turn)),
        }

    def _answer(self, body: Json) -> Produced:
        return Produced(self._whole(body))

    def _created(self, turn: Turn) -> Json:
        self._files.kept.get(turn.body["input_file_id"])
        identifier = "batch_" + turn.letters("batch", HEX, 32)
        shown = {
            "id": identifier,
            "object": "batch",
            "endpoint": turn.body["endpoint"],
            "errors": None,
            "input_file_id": turn.body["input_file_id"],
            "completion_window": turn.body["completion_window"],
            "status": "validating",
            "output_file_id": None,
            "error_file_id": None,
            "created_at": int(turn.now),
            **dict.fromkeys(_STAMPS),
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
            "metadata": turn.body.get("metadata"),
        }
        shown["expires_at"] = int(turn.now) + _DAY
        return self._kept.put(identifier, Batch(shown, turn)).shown

    def _cancelled(self, turn: Turn) -> Json:
        batch = self._kept.get(turn.ids[0])
        status = self._now(batch, turn)["status"]
        if status in _ENDED:
            raise Failure("state", f"Cannot cancel a batch with status '{status}'.")
        if batch.cancelled_after is None:
            batch.cancelled_after = turn.now - batch.made.now
        return self._now(batch, turn)

    def _now(self, batch: Batch, turn: Turn) -> Json:
        """The batch as it is by the clock."""
        age = turn.now - batch.made.now
        if batch.shown["status"] in _ENDED or age < VALIDATING_SECONDS:
            return self._stopping(batch, age) if batch.cancelled_after is not None else batch.shown
        if not batch.lines and not self._validated(batch):
            return batch.shown
        if batch.cancelled_after is not None:
            return self._stopping(batch, age)
        return self._working(batch, age - VALIDATING_SECONDS)

    def _validated(self, batch: Batch) -> bool:
        """Read the lines; False, and the batch failed, if one is wrong."""
        at = self._stamp(batch, VALIDATING_SECONDS)
        try:
            content = self._files.kept.get(batch.shown["input_file_id"]).content
            batch.lines, errors = _lines(content, batch.shown["endpoint"])
        except Failure:
            batch.lines, errors = [], [_error("missing_file", "The input file is gone.", None)]
        batch.shown["request_counts"]["total"] = len(batch.lines)
        if errors or not batch.lines:
            errors = errors or [_error("empty_file", "The input file is empty.", None)]
            batch.shown |= {"status": "failed", "failed_at": at}
            batch.shown["errors"] = {"object": "list", "data": errors}
            return False
        batch.shown |= {"status": "in_progress", "in_progress_at": at}
        return True

    def _working(self, batch: Batch, worked: float) -> Json:
        counts = batch.shown["request_counts"]
        if worked < WORKING_SECONDS:
            counts["completed"] = int(len(batch.lines) * worked / WORKING_SECONDS)
            return batch.shown
        self._finish(batch, len(batch.lines))
        batch.shown["finalizing_at"] = self._stamp(batch, VALIDATING_SECONDS + WORKING_SECONDS)
        batch.shown["status"] = "finalizing"
        if worked >= WORKING_SECONDS + FINALIZING_SECONDS:
            ended = VALIDATING_SECONDS + WORKING_SECONDS + FINALIZING_SECONDS
            batch.shown |= {"status": "completed", "completed_at": self._stamp(batch, ended)}
        return batch.shown

    def _stopping(self, batch: Batch, age: float) -> Json:
        """Cancelled: what was done by then is kept."""
        after = batch.cancelled_after or 0.0
        if batch.shown["status"] in _ENDED:
            return batch.shown
        batch.shown |= {"status": "cancelling", "cancelling_at": self._stamp(batch, after)}
        if age >= after + CANCELLING_SECONDS:
            share = max(0.0, after - VALIDATING_SECONDS) / WORKING_SECONDS
            self._finish(batch, int(len(batch.lines) * min(share, 1.0)))
            cancelled = self._stamp(batch, after + CANCELLING_SECONDS)
            batch.shown |= {"status": "cancelled", "cancelled_at": cancelled}
        return batch.shown

    def _stamp(self, batch: Batch, age: float) -> int:
        return int(batch.made.now + age)

    def _finish(self, batch: Batch, number: int) -> None:
        """Answer the first requests, and write the files; once."""
        if batch.shown["output_file_id"] or batch.shown["error_file_id"]:
            return
        results = [self._result(batch, index, line) for index, line in enumerate(batch.lines[:number])]
        batch.made.dice("order").shuffle(results)
        for name, label, ok in (("output_file_id", "output", True), ("error_file_id", "error", False)):
            chosen = [one for one in results if (one["response"]["status_code"] == 200) == ok]
            if chosen:
                content = "".join(f"{compact(one)}\n" for one in chosen).encode()
                file_name = f"{batch.shown['id']}_{label}.jsonl"
                batch.shown[name] = self._files.keep(batch.made, label, file_name, "batch_output", content)[
                    "id"
                ]
            batch.shown["request_counts"]["completed" if ok else "failed"] = len(chosen)

    def _result(self, batch: Batch, index: int, line: Json) -> Json:
        status, body = self._run(batch.made.sub(f"line {index}"), line["url"], line["body"])
        identifier = "batch_req_" + batch.made.letters(f"request {index}", HEX, 24)
        response = {"status_code": status, "request_id": batch.made.letters(f"id {index}", HEX, 32)}
        return {
            "id": identifier,
            "custom_id": line["custom_id"],
            "response": {**response, "body": body},
            "error": None,
        }


def _lines(content: bytes, endpoint: str) -> tuple[list[Json], list[Json]]:
    """The requests, and what is wrong with lines that are none."""
    found: list[Json] = []
    errors: list[Json] = []
    seen: set[str] = set()
    for number, text in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        if text.strip():
            line, problem = _line(text, endpoint, seen)
            if problem:
                errors.append(_error(*problem, number))
            else:
                found.append(line)
    return found, errors


def _line(text: str, endpoint: str, seen: set[str]) -> tuple[Json, tuple[str, str] | None]:
    try:
        line = json.loads(text)
    except ValueError:
        return {}, ("invalid_json_line", "This line is not parseable as valid JSON.")
    if not isinstance(line, dict) or not isinstance(line.get("body"), dict) or "custom_id" not in line:
        return {}, ("invalid_request", "A line needs custom_id, method, url and body.")
    if line.get("url") != endpoint:
        return {}, ("mismatched_endpoint", f"The url of this line is not {endpoint}.")
    if line["custom_id"] in seen:
        return {}, ("duplicate_custom_id", f"The custom_id {line['custom_id']!r} was used before.")
    seen.add(line["custom_id"])
    return line, None


def _error(code: str, message: str, line: int | None) -> Json:
    return {"code": code, "message": message, "param": None, "line": line}
