"""The batch APIs of the providers, each as the same few steps."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from ....core.errors import ConfigError, class_for_status
from ....runtime.files import AtomicFile
from .matching import Kind, Result
from .parts import Part, PartState, index_of

TAG = "llm_forge_tag"
_CLOCK_SKEW = 3600.0  # seconds by which a provider's clock may lie behind ours


@dataclass(frozen=True, slots=True)
class Poll:
    """How far a batch is: `ending` once it has ended, with what its results are fetched by."""

    ending: PartState | None = None
    sources: tuple[str, ...] = ()
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a search for a part found: its id; with `perhaps` something that must end before one knows."""

    provider_id: str | None = None
    perhaps: bool = False


class BatchService(Protocol):
    """A provider's batch API; `client` methods raise their own errors."""

    most_items: int
    most_bytes: int

    def line(self, custom_id: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A request as a line of the input."""

    async def submit(self, part: Part, lines: Path) -> str:
        """Hand a part over; the provider's id."""

    async def find(self, part: Part) -> Found:
        """Search for a part by its tag."""

    async def poll(self, provider_id: str) -> Poll:
        """How far a batch is."""

    async def cancel(self, provider_id: str) -> None:
        """Ask for an early end."""

    async def fetch(self, source: str, path: Path) -> None:
        """Download results; the file appears whole or not at all."""

    def read(self, line: Mapping[str, Any]) -> Result:
        """A line of results."""


_OPENAI_ENDINGS = {
    "completed": PartState.DONE,
    "failed": PartState.FAILED,
    "expired": PartState.EXPIRED,
    "cancelled": PartState.CANCELLED,
}
_MISTRAL_ENDINGS = {
    "SUCCESS": PartState.DONE,
    "FAILED": PartState.FAILED,
    "TIMEOUT_EXCEEDED": PartState.EXPIRED,
    "CANCELLED": PartState.CANCELLED,
}
_ONCE: Mapping[str, Any] = {"max_attempts": 1}  # a second attempt could hand a batch over twice


class _FileBatches:
    """What the services with files of requests and of results share."""

    most_items = 50_000
    most_bytes = 200_000_000

    def __init__(self, client: Any) -> None:
        self._client = client

    def read(self, line: Mapping[str, Any]) -> Result:
        """A line of results."""
        custom_id = str(line.get("custom_id"))
        response, error = line.get("response") or {}, line.get("error")
        if error:
            return Result(custom_id, _ended_early(error), error=_plain_error(error))
        status, body = response.get("status_code", 0), response.get("body")
        if status == 200 and isinstance(body, Mapping):
            return Result(custom_id, "succeeded", body)
        return Result(custom_id, "errored", error=_status_error(status, body))


class OpenAIBatches(_FileBatches):
    """OpenAI's, and Groq's with `prefix` and `most_bytes` of its own."""

    def __init__(self, client: Any, *, most_bytes: int = 200_000_000) -> None:
        super().__init__(client)
        self.most_bytes = most_bytes

    async def fetch(self, source: str, path: Path) -> None:
        """Download a file of results."""
        await self._client.files.content(source).to_file(path)

    def line(self, custom_id: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A request as a line of the input."""
        return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body}

    async def submit(self, part: Part, lines: Path) -> str:
        """Upload the requests and make a batch of them."""
        file = await self._client.files.create(file=lines, purpose="batch")
        made = await self._client.batches.create(
            input_file_id=file.id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            metadata={TAG: part.tag},
            **_ONCE,
        )
        return str(made.id)

    async def find(self, part: Part) -> Found:
        """Search the list, newest first, back to the time of the submission."""
        async for batch in self._client.batches.list():
            if (batch.get("metadata") or {}).get(TAG) == part.tag:
                return Found(str(batch.id))
            if _is_older(batch.get("created_at"), part):
                break
        return Found()

    async def poll(self, provider_id: str) -> Poll:
        """How far a batch is."""
        batch = await self._client.batches.get(provider_id)
        ending = _OPENAI_ENDINGS.get(batch.status)
        sources = tuple(id_ for name in ("output_file_id", "error_file_id") if (id_ := batch.get(name)))
        return Poll(ending, sources, batch.get("expires_at"))

    async def cancel(self, provider_id: str) -> None:
        """Ask for an early end."""
        await self._client.batches.cancel(provider_id)


class MistralBatches(_FileBatches):
    """Mistral's."""

    most_items = 1_000_000
    _timeout_hours = 24

    async def fetch(self, source: str, path: Path) -> None:
        """Download a file of results."""
        await self._client.files.download(source).to_file(path)

    def line(self, custom_id: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A request as a line of the input."""
        return {"custom_id": custom_id, "body": body}

    async def submit(self, part: Part, lines: Path) -> str:
        """Upload the requests and make a job of them."""
        with lines.open(encoding="utf-8") as first:
            model = json.loads(first.readline())["body"]["model"]
        file = await self._client.files.upload(file=lines, purpose="batch")
        made = await self._client.batch.jobs.create(
            input_files=[file.id],
            endpoint="/v1/chat/completions",
            model=model,
            metadata={TAG: part.tag},
            timeout_hours=self._timeout_hours,
            **_ONCE,
        )
        return str(made.id)

    async def find(self, part: Part) -> Found:
        """Search the list, newest first, back to the time of the submission."""
        async for job in self._client.batch.jobs.list(order_by="-created"):
            if (job.get("metadata") or {}).get(TAG) == part.tag:
                return Found(str(job.id))
            if _is_older(job.get("created_at"), part):
                break
        return Found()

    async def poll(self, provider_id: str) -> Poll:
        """How far a job is."""
        job = await self._client.batch.jobs.get(provider_id)
        sources = tuple(id_ for name in ("output_file", "error_file") if (id_ := job.get(name)))
        expires = job.created_at + self._timeout_hours * 3600
        return Poll(_MISTRAL_ENDINGS.get(job.status), sources, expires)

    async def cancel(self, provider_id: str) -> None:
        """Ask for an early end."""
        await self._client.batch.jobs.cancel(provider_id)


class AnthropicBatches:
    """Anthropic's: requests inline, results as lines, and no metadata to search for.

    A batch shows its custom ids only once it has ended. Until then one of the same size, made since the
    submission, may be ours, and nothing is submitted again.
    """

    most_items = 100_000
    most_bytes = 256_000_000
    _results_seconds = 29 * 86400.0

    def __init__(self, client: Any) -> None:
        self._client = client

    def line(self, custom_id: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A request as an element of the input."""
        return {"custom_id": custom_id, "params": body}

    async def submit(self, part: Part, lines: Path) -> str:
        """Hand the requests over."""
        del part
        requests = await asyncio.to_thread(_json_lines, lines)
        made = await self._client.messages.batches.create(requests=requests, **_ONCE)
        return str(made.id)

    async def find(self, part: Part) -> Found:
        """Search the list, newest first, back to the time of the submission."""
        perhaps = False
        async for batch in self._client.messages.batches.list():
            if _is_older(_seconds(batch.created_at), part):
                break
            if sum(batch.request_counts.to_dict().values()) != part.size:
                continue
            if batch.processing_status != "ended":
                perhaps = True
            elif await self._first_is_of(batch.id, part):
                return Found(str(batch.id))
        return Found(perhaps=perhaps)

    async def _first_is_of(self, provider_id: str, part: Part) -> bool:
        lines = self._client.messages.batches.results(provider_id)
        async with lines:
            async for line in lines:
                return index_of(part.tag, line.custom_id) is not None
        return False

    async def poll(self, provider_id: str) -> Poll:
        """How far a batch is."""
        batch = await self._client.messages.batches.get(provider_id)
        if batch.processing_status != "ended":
            return Poll()
        ending = PartState.CANCELLED if batch.get("cancel_initiated_at") else PartState.DONE
        created = _seconds(batch.created_at)
        expires = None if created is None else created + self._results_seconds
        return Poll(ending, (provider_id,), expires)

    async def cancel(self, provider_id: str) -> None:
        """Ask for an early end."""
        await self._client.messages.batches.cancel(provider_id)

    async def fetch(self, source: str, path: Path) -> None:
        """Store the lines of results."""
        file = AtomicFile(path)
        try:
            async with self._client.messages.batches.results(source) as lines:
                async for line in lines:
                    file.write(line.to_json() + b"\n")
            file.commit()
        finally:
            file.discard()

    def read(self, line: Mapping[str, Any]) -> Result:
        """A line of results."""
        result = line.get("result") or {}
        kinds: Mapping[Any, Kind] = {"expired": "expired", "canceled": "cancelled"}
        name = str(line.get("custom_id"))
        if result.get("type") == "succeeded":
            return Result(name, "succeeded", result.get("message") or {})
        error = (result.get("error") or {}).get("error") or {}
        return Result(name, kinds.get(result.get("type"), "errored"), error=_plain_error(error))


_SERVICES: Mapping[str, Callable[[Any], BatchService]] = {
    "openai": OpenAIBatches,
    "groq": lambda client: OpenAIBatches(client, most_bytes=100_000_000),
    "mistral": MistralBatches,
    "anthropic": AnthropicBatches,
}


def service_of(provider: str, client: Any) -> BatchService:
    """The batch API of a provider; ConfigError for one that has none."""
    make = _SERVICES.get(provider)
    if make is None:
        raise ConfigError(f"{provider} has no batch API that we know; known: {', '.join(sorted(_SERVICES))}")
    return make(client)


def _json_lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _is_older(created: Any, part: Part) -> bool:
    known = isinstance(created, int | float) and part.submitted_at is not None
    return known and created < (part.submitted_at or 0.0) - _CLOCK_SKEW


def _seconds(stamp: Any) -> float | None:
    try:
        return datetime.fromisoformat(str(stamp)).timestamp()
    except ValueError:
        return None


def _ended_early(error: Any) -> Kind:
    code = error.get("code") if isinstance(error, Mapping) else None
    kinds: Mapping[Any, Kind] = {"batch_expired": "expired", "batch_cancelled": "cancelled"}
    return kinds.get(code, "errored")


def _plain_error(error: Any) -> Mapping[str, Any]:
    facts = error if isinstance(error, Mapping) else {"message": str(error)}
    known = {name: facts[name] for name in ("type", "code") if facts.get(name)}
    return {"kind": "ApiError", "message": str(facts.get("message") or ""), **known}


def _status_error(status: int, body: Any) -> Mapping[str, Any]:
    found = body.get("error", body) if isinstance(body, Mapping) else body
    return {**_plain_error(found), "kind": class_for_status(status).__name__, "status": status}
