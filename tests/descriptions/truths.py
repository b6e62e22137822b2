"""Which operation is measured against which vendor document, and which gaps are excused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .coverage import Comparison
from .documents import description, operations, parse, vendor_document

if TYPE_CHECKING:
    from .documents import Document, Node


@dataclass(frozen=True)
class Truth:
    """One operation of ours and where the vendor describes it.

    `event` names the vendor's schema of one streamed event. `floor` is the least number of fields and
    values that must have been compared for the result to mean anything.
    """

    provider: str
    operation: str
    document: str
    path: str
    floor: int
    verb: str = "get"
    event: str | None = None

    @property
    def name(self) -> str:
        """The name in reports and in exceptions.yaml."""
        return f"{self.provider} {self.operation} ({self.document} {self.path})"


def _chat(provider: str, document: str, path: str, event: str, floor: int) -> Truth:
    return Truth(provider, "chat.completions.create", document, path, floor, "post", event)


_ANTHROPIC, _GROQ = "anthropic.stainless-via-tryagi", "groq.stainless-via-tryagi"
_CHUNK = "CreateChatCompletionStreamResponse"

TRUTHS = (
    Truth("anthropic", "messages.create", _ANTHROPIC, "/v1/messages", 1300, "post", "MessageStreamEvent"),
    Truth(
        "anthropic",
        "messages.create",
        _ANTHROPIC,
        "/v1/messages?beta=true",
        1700,
        "post",
        "BetaMessageStreamEvent",
    ),
    Truth("anthropic", "models.list", _ANTHROPIC, "/v1/models", 90),
    Truth("anthropic", "models.get", _ANTHROPIC, "/v1/models/{model_id}", 80),
    _chat("groq", _GROQ, "/openai/v1/chat/completions", _CHUNK, 400),
    Truth("groq", "models.list", _GROQ, "/openai/v1/models", 6),
    Truth("groq", "models.get", _GROQ, "/openai/v1/models/{model}", 5),
    _chat("mistral", "mistral.official", "/v1/chat/completions", "CompletionChunk", 350),
    Truth("mistral", "models.list", "mistral.official", "/v1/models", 50),
    Truth("mistral", "models.get", "mistral.official", "/v1/models/{model_id}", 50),
    _chat("openai", "openai.official", "/chat/completions", _CHUNK, 500),
    Truth("openai", "models.list", "openai.official", "/models", 6),
    Truth("openai", "models.get", "openai.official", "/models/{model}", 5),
)

SECOND_SOURCES = (
    _chat("mistral", "mistral.public-doc", "/v1/chat/completions", "CompletionChunk", 350),
    Truth("mistral", "models.list", "mistral.public-doc", "/v1/models", 50),
    Truth("mistral", "models.get", "mistral.public-doc", "/v1/models/{model_id}", 50),
)


def measure(truth: Truth, ours: Document | None = None) -> Comparison:
    """Return the comparison of one operation: parameters, request, response, error and streamed event."""
    ours, vendor = ours or description(truth.provider), vendor_document(truth.document)
    _, _, mine = operations(ours)[truth.operation]
    item = vendor.root["paths"][truth.path]
    theirs = item[truth.verb]
    found = Comparison(vendor, ours)
    found.parameters(
        [*item.get("parameters", ()), *theirs.get("parameters", ())],
        _parameters(ours, truth.operation),
        _headers_sent_anyway(ours),
    )
    if "requestBody" in theirs:
        found.schemas("request", [_request(vendor, theirs)], [_request(ours, mine)])
    found.schemas("response", [_json(vendor, theirs, "200")], [_json(ours, mine, "200")])
    if "4XX" in theirs["responses"]:
        found.schemas("error", [_json(vendor, theirs, "4XX")], [_json(ours, mine, "default")])
    if truth.event is not None:
        found.schemas("event", [vendor.schema(truth.event)], [_event(ours, mine)])
    return found


def not_excused(truth: Truth, found: list[str]) -> list[str]:
    """Return the differences that no exception covers."""
    entries = [e for e in exceptions() if (e["document"], e["path"]) == (truth.document, truth.path)]
    return [gap for gap in found if not any(excuses(entry, gap) for entry in entries)]


def excuses(entry: dict[str, Any], gap: str) -> bool:
    """Whether an exception covers a difference; a `*` at its end covers every continuation."""
    pattern: str = entry["gap"]
    return gap.startswith(pattern[:-1]) if pattern.endswith("*") else gap == pattern


def exceptions() -> list[dict[str, Any]]:
    """Return the entries of exceptions.yaml: document, path, gap, reason."""
    text = Path(__file__).with_name("exceptions.yaml").read_text(encoding="utf-8")
    entries: list[dict[str, Any]] = parse(text)
    return entries


def _parameters(ours: Document, operation: str) -> list[Node]:
    path, _, definition = operations(ours)[operation]
    return [*ours.root["paths"][path].get("parameters", ()), *definition.get("parameters", ())]


def _headers_sent_anyway(ours: Document) -> set[str]:
    fixed = set(ours.root["x-forge"].get("headers", ()))
    schemes = ours.root["components"].get("securitySchemes", {}).values()
    return {f"header.{name.lower()}" for name in fixed | {s.get("name", "authorization") for s in schemes}}


def _request(document: Document, operation: Node) -> Node:
    body = document.follow(operation["requestBody"])
    schema: Node = body["content"]["application/json"]["schema"]
    return schema


def _content(document: Document, operation: Node, status: str) -> Node:
    content: Node = document.follow(operation["responses"][status])["content"]
    return content


def _json(document: Document, operation: Node, status: str) -> Node:
    schema: Node = _content(document, operation, status)["application/json"]["schema"]
    return schema


def _event(document: Document, operation: Node) -> Node:
    schema: Node = _content(document, operation, "200")["text/event-stream"]["itemSchema"]
    return schema
