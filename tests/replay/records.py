"""Recorded exchanges with the providers, and a server that plays their responses again."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from llm_forge.simulator.server import Exchange
from tests.shared import SHARED

PATHS = {
    "anthropic": "/v1/messages",
    "openai": "/v1/chat/completions",
    "groq": "/openai/v1/chat/completions",
    "mistral": "/v1/chat/completions",
}
# What the replaying server frames itself.
HOP_BY_HOP = {"transfer-encoding", "content-length", "content-encoding", "connection", "keep-alive"}


@dataclass(frozen=True, slots=True)
class Record:
    """One recorded exchange."""

    provider: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    is_stream: bool
    trimmed: bool

    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)


@cache
def records(provider: str) -> tuple[Record, ...]:
    return tuple(_read(provider))


def _read(provider: str) -> Iterator[Record]:
    with gzip.open(SHARED / "wire" / "open" / f"{provider}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            raw = json.loads(line)
            if raw["url_path"] == PATHS[provider] and raw["response_body"] is not None:
                yield _record(provider, raw)


def _record(provider: str, raw: dict[str, Any]) -> Record:
    headers = tuple(
        (name, value)
        for name, value in (raw["response_headers"] or {}).items()
        if isinstance(value, str) and value != "REDACTED"
    )
    return Record(
        provider,
        raw["status"],
        headers,
        raw["response_body"].encode(),
        raw["is_stream"],
        raw["response_trimmed"],
    )


@cache
def exchanges(provider: str) -> tuple[tuple[str, str, Record], ...]:
    """Every exchange with a provider: method, path, record. Where no body was recorded, it is empty."""
    with gzip.open(SHARED / "wire" / "open" / f"{provider}.jsonl.gz", "rt", encoding="utf-8") as lines:
        raws = [json.loads(line) for line in lines]
    whole = ({**raw, "response_body": raw["response_body"] or ""} for raw in raws)
    return tuple((raw["method"], raw["url_path"], _record(provider, raw)) for raw in whole)


RESOURCES = {
    "/chat/completions": "chat.completions",
    "/responses": "responses",
    "/embeddings": "embeddings",
    "/models": "models",
    "/audio/transcriptions": "audio.transcriptions",
    "/files": "files",
    "/images/edits": "images.edit",
    "/images/generations": "images.generate",
}
# What a server has beside its imitation of OpenAI, or imitates of what is not promised (text completions).
OWN = {
    "anthropic": ["/", "/v1/(?!chat/).*"],
    "azure-openai": [r".*(?<!chat)/completions", ".*/realtime/.*"],
    "gemini": ["/v1beta/(?!openai/).*", "/(upload|download)/.*"],
    "ollama": ["/api/.*"],
    "openrouter": ["/api/v1/(images|rerank)"],
    "together": ["/v1/completions"],
    "xai": ["/v1/(batches|videos)(/.*)?", "/v1/(stt|tts)"],
}


@cache
def compatible_records(server: str) -> tuple[tuple[str, Record], ...]:
    """The exchanges of a server that imitates OpenAI, each with the resource that it is of.

    ValueError for a path that is neither of OpenAI's API nor the server's own.
    """
    folder = "open" if server in PATHS else "other-providers"
    with gzip.open(SHARED / "wire" / folder / f"{server}.jsonl.gz", "rt", encoding="utf-8") as lines:
        raws = [json.loads(line) for line in lines]
    imitated = [raw for raw in raws if not _is_own(server, raw["url_path"])]
    return tuple((_resource_of(raw["url_path"]), _record(server, raw)) for raw in imitated)


def _is_own(server: str, path: str) -> bool:
    return any(re.fullmatch(one, path) for one in OWN.get(server, ()))


def _resource_of(path: str) -> str:
    for end, resource in RESOURCES.items():
        if path.endswith(end):
            return resource
    raise ValueError(f"{path} is of no resource")


class Player:
    """A server application that answers every request with one record, cut where it is told to.

    Unary bodies go out with a length; streams in chunks, ended cleanly or, with `lost`, not at all.
    """

    def __init__(self) -> None:
        self.record: Record | None = None
        self.cut: int | None = None
        self.lost = False

    def play(self, record: Record, *, cut: int | None = None, lost: bool = False) -> None:
        self.record, self.cut, self.lost = record, cut, lost

    async def __call__(self, exchange: Exchange) -> None:
        record = self.record
        assert record is not None
        fields = [f"{n}: {v}" for n, v in record.headers if n.lower() not in HOP_BY_HOP]
        if record.is_stream and record.status == 200:
            await self._stream(exchange, fields, record.body[: self.cut])
            return
        head = [f"HTTP/1.1 {record.status} Recorded", *fields, f"content-length: {len(record.body)}"]
        await exchange.send("\r\n".join([*head, "", ""]).encode("latin-1", "replace") + record.body)

    async def _stream(self, exchange: Exchange, fields: list[str], body: bytes) -> None:
        head = ["HTTP/1.1 200 OK", *fields, "transfer-encoding: chunked", "", ""]
        chunk = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
        end = b"" if self.lost else b"0\r\n\r\n"
        await exchange.send("\r\n".join(head).encode("latin-1", "replace") + chunk + end)
        if self.lost:
            exchange.close()
