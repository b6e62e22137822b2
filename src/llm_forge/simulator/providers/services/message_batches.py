"""Anthropic's message batches: requests that are answered while the clock goes on.

A batch is worked on for a minute and ends with results, in any order; canceling takes 5 seconds. Until it
has ended, its requests all count as processing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...problems import Failure
from ...script import Reply
from ..provider import BASE58, Handler, Json, Produced, Turn, compact
from .id_pages import id_page, rfc3339
from .shelf import Shelf

WORKING_SECONDS = 60.0
CANCELING_SECONDS = 5.0
_DAY = 86_400.0


@dataclass(slots=True)
class MessageBatch:
    """A batch, the turn that made it, and the age in seconds at which it was canceled."""

    identifier: str
    made: Turn
    canceled_after: float | None = None
    results: list[Json] | None = None

    @property
    def requests(self) -> Sequence[Json]:
        """What was asked for."""
        found: Sequence[Json] = self.made.body["requests"]
        return found

    def ended_after(self) -> float:
        """Seconds of its life until it ends."""
        if self.canceled_after is None:
            return WORKING_SECONDS
        return min(WORKING_SECONDS, self.canceled_after + CANCELING_SECONDS)


class MessageBatches:
    """The batches of a workspace; `run` answers the parameters of one request by a result."""

    def __init__(self, run: Callable[[Turn, Mapping[str, Any]], Json]) -> None:
        self._run = run
        self._kept: Shelf[MessageBatch] = Shelf("Message Batch")

    def handlers(self) -> Mapping[str, Handler]:
        """Its operations."""
        handlers: dict[str, Callable[[Turn], Json]] = {
            "create": self._created,
            "list": self._listed,
            "get": lambda turn: self._now(self._kept.get(turn.ids[0]), turn),
            "cancel": self._canceled,
            "delete": self._deleted,
        }
        made = {f"messages.batches.{name}": _answering(one) for name, one in handlers.items()}
        return {**made, "messages.batches.results": self._results}

    def _created(self, turn: Turn) -> Json:
        ids = [one["custom_id"] for one in turn.body["requests"]]
        if len(set(ids)) < len(ids):
            raise Failure("state", "requests: custom_id must be unique within the batch")
        identifier = "msgbatch_01" + turn.letters("batch", BASE58, 22)
        return self._now(self._kept.put(identifier, MessageBatch(identifier, turn)), turn)

    def _listed(self, turn: Turn) -> Json:
        rows = [self._now(batch, turn) for batch in reversed(self._kept.all())]
        return id_page(turn, rows)

    def _canceled(self, turn: Turn) -> Json:
        batch = self._kept.get(turn.ids[0])
        if self._has_ended(batch, turn):
            raise Failure("state", f"Batch {batch.identifier} cannot be canceled after it has ended.")
        if batch.canceled_after is None:
            batch.canceled_after = turn.now - batch.made.now
        return self._now(batch, turn)

    def _deleted(self, turn: Turn) -> Json:
        batch = self._kept.get(turn.ids[0])
        if not self._has_ended(batch, turn):
            raise Failure("state", f"Batch {batch.identifier} cannot be deleted while it is processing.")
        self._kept.take(turn.ids[0])
        return {"id": turn.ids[0], "type": "message_batch_deleted"}

    def _results(self, turn: Turn) -> Produced:
        batch = self._kept.get(turn.ids[0])
        if not self._has_ended(batch, turn):
            raise Failure("missing", f"{batch.identifier} has no available results.", unit="results")
        content = "".join(f"{compact(line)}\n" for line in self._outcomes(batch)).encode()
        return Produced(Reply(body=content, headers=[("content-type", "application/x-jsonl")]))

    def _has_ended(self, batch: MessageBatch, turn: Turn) -> bool:
        return turn.now - batch.made.now >= batch.ended_after()

    def _outcomes(self, batch: MessageBatch) -> list[Json]:
        """One line for each request, made once."""
        if batch.results is None:
            share = batch.ended_after() if batch.canceled_after is None else batch.canceled_after
            done = int(len(batch.requests) * min(share / WORKING_SECONDS, 1.0))
            lines = [self._outcome(batch, at, at < done) for at in range(len(batch.requests))]
            batch.made.dice("order").shuffle(lines)
            batch.results = lines
        return batch.results

    def _outcome(self, batch: MessageBatch, at: int, begun: bool) -> Json:
        request = batch.requests[at]
        result = self._run(batch.made.sub(f"request {at}"), request["params"]) if begun else None
        return {"custom_id": request["custom_id"], "result": result or {"type": "canceled"}}

    def _now(self, batch: MessageBatch, turn: Turn) -> Json:
        """The batch as it is by the clock."""
        made, ended = batch.made.now, self._has_ended(batch, turn)
        canceled = batch.canceled_after
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        for line in self._outcomes(batch) if ended else batch.requests:
            counts[line["result"]["type"] if ended else "processing"] += 1
        url = f"{_address(turn)}/v1/messages/batches/{batch.identifier}/results"
        return {
            "id": batch.identifier,
            "type": "message_batch",
            "processing_status": "ended" if ended else "in_progress" if canceled is None else "canceling",
            "request_counts": counts,
            "ended_at": rfc3339(made + batch.ended_after()) if ended else None,
            "created_at": rfc3339(made),
            "expires_at": rfc3339(made + _DAY),
            "archived_at": None,
            "cancel_initiated_at": None if canceled is None else rfc3339(made + canceled),
            "results_url": url if ended else None,
        }


def _address(turn: Turn) -> str:
    """Where this request reached the provider, so that the results are found there too."""
    host = turn.request.header("host") or "api.anthropic.com"
    return f"http://{host}{turn.request.path.removesuffix(turn.path)}"


def _answering(make: Callable[[Turn], Json]) -> Handler:
    return lambda turn: Produced(Reply(json=make(turn)))
