"""Which operation is measured against which vendor document, and which gaps are excused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .documents import description, operations, parse, vendor_document
from .parts import Parts, compare, parts

if TYPE_CHECKING:
    from .coverage import Comparison
    from .documents import Document


@dataclass(frozen=True)
class Truth:
    """One operation of ours and where the vendor describes it.

    `event` names the vendor's schema of one streamed event, or a member of one after a dot. `floor` is
    the least number of fields and values that must have been compared for the result to mean anything.
    `media` chooses among the forms of the vendor's request.
    """

    provider: str
    operation: str
    document: str
    path: str
    floor: int
    verb: str = "get"
    event: str | None = None
    media: str | None = None

    @property
    def endpoint(self) -> str:
        """Verb and path, as documents have them."""
        return f"{self.verb} {self.path}"

    @property
    def name(self) -> str:
        """The name in reports and in exceptions.yaml."""
        return f"{self.provider} {self.operation} ({self.document} {self.path})"


def _chat(provider: str, document: str, path: str, event: str, floor: int) -> Truth:
    return Truth(provider, "chat.completions.create", document, path, floor, "post", event)


_ANTHROPIC, _GROQ = "anthropic.stainless-via-tryagi", "groq.stainless-via-tryagi"
_CHUNK = "CreateChatCompletionStreamResponse"

# Operation, verb, path of the vendor's document, floor.
_JOB, _STORE = "/fine_tuning/jobs/{fine_tuning_job_id}", "/vector_stores/{vector_store_id}"
OPENAI = (
    ("responses.create", "post", "/responses", 2200),
    ("responses.get", "get", "/responses/{response_id}", 1800),
    ("responses.delete", "delete", "/responses/{response_id}", 1),
    ("responses.cancel", "post", "/responses/{response_id}/cancel", 1800),
    ("responses.input_items.list", "get", "/responses/{response_id}/input_items", 1000),
    ("embeddings.create", "post", "/embeddings", 15),
    ("moderations.create", "post", "/moderations", 70),
    ("models.delete", "delete", "/models/{model}", 4),
    ("files.list", "get", "/files", 25),
    ("files.get", "get", "/files/{file_id}", 15),
    ("files.delete", "delete", "/files/{file_id}", 5),
    ("uploads.create", "post", "/uploads", 40),
    ("uploads.complete", "post", "/uploads/{upload_id}/complete", 30),
    ("uploads.cancel", "post", "/uploads/{upload_id}/cancel", 30),
    ("files.create", "post", "/files", 25),
    ("files.content", "get", "/files/{file_id}/content", 1),
    ("uploads.parts.create", "post", "/uploads/{upload_id}/parts", 7),
    ("audio.speech.create", "post", "/audio/speech", 20),
    ("audio.transcriptions.create", "post", "/audio/transcriptions", 60),
    ("audio.translations.create", "post", "/audio/translations", 20),
    ("images.edit", "post", "/images/edits", 55),
    ("images.create_variation", "post", "/images/variations", 35),
    ("batches.list", "get", "/batches", 45),
    ("batches.create", "post", "/batches", 55),
    ("batches.get", "get", "/batches/{batch_id}", 40),
    ("batches.cancel", "post", "/batches/{batch_id}/cancel", 40),
    ("images.generate", "post", "/images/generations", 65),
    ("fine_tuning.jobs.list", "get", "/fine_tuning/jobs", 205),
    ("fine_tuning.jobs.create", "post", "/fine_tuning/jobs", 230),
    ("fine_tuning.jobs.get", "get", _JOB, 200),
    ("fine_tuning.jobs.cancel", "post", f"{_JOB}/cancel", 200),
    ("fine_tuning.jobs.pause", "post", f"{_JOB}/pause", 200),
    ("fine_tuning.jobs.resume", "post", f"{_JOB}/resume", 200),
    ("fine_tuning.jobs.list_events", "get", f"{_JOB}/events", 15),
    ("fine_tuning.jobs.checkpoints.list", "get", f"{_JOB}/checkpoints", 20),
    ("vector_stores.list", "get", "/vector_stores", 30),
    ("vector_stores.create", "post", "/vector_stores", 35),
    ("vector_stores.get", "get", _STORE, 20),
    ("vector_stores.update", "post", _STORE, 25),
    ("vector_stores.delete", "delete", _STORE, 5),
    ("vector_stores.file_batches.create", "post", f"{_STORE}/file_batches", 30),
    ("vector_stores.file_batches.get", "get", f"{_STORE}/file_batches/{{batch_id}}", 18),
    ("vector_stores.file_batches.cancel", "post", f"{_STORE}/file_batches/{{batch_id}}/cancel", 18),
    ("vector_stores.file_batches.list_files", "get", f"{_STORE}/file_batches/{{batch_id}}/files", 40),
    ("vector_stores.files.list", "get", f"{_STORE}/files", 40),
    ("vector_stores.files.create", "post", f"{_STORE}/files", 35),
    ("vector_stores.files.get", "get", f"{_STORE}/files/{{file_id}}", 25),
    ("vector_stores.files.update", "post", f"{_STORE}/files/{{file_id}}", 25),
    ("vector_stores.files.delete", "delete", f"{_STORE}/files/{{file_id}}", 6),
    ("vector_stores.files.content", "get", f"{_STORE}/files/{{file_id}}/content", 9),
    ("vector_stores.search", "post", f"{_STORE}/search", 65),
)
GROQ = (
    ("audio.speech.create", "post", "/audio/speech", 18),
    ("audio.transcriptions.create", "post", "/audio/transcriptions", 100),
    ("audio.translations.create", "post", "/audio/translations", 10),
    ("models.delete", "delete", "/models/{model}", 4),
    ("embeddings.create", "post", "/embeddings", 17),
    ("files.list", "get", "/files", 12),
    ("files.create", "post", "/files", 12),
    ("files.get", "get", "/files/{file_id}", 10),
    ("files.delete", "delete", "/files/{file_id}", 5),
    ("files.content", "get", "/files/{file_id}/content", 1),
    ("batches.list", "get", "/batches", 35),
    ("batches.create", "post", "/batches", 35),
    ("batches.get", "get", "/batches/{batch_id}", 35),
    ("batches.cancel", "post", "/batches/{batch_id}/cancel", 35),
)

_BATCH, _FILE = "/v1/messages/batches/{message_batch_id}", "/v1/files/{file_id}"
ANTHROPIC = (
    ("messages.count_tokens", "post", "/v1/messages/count_tokens", 700),
    ("messages.count_tokens", "post", "/v1/messages/count_tokens?beta=true", 1000),
    *(
        (name, verb, path + query, floor)
        for query in ("", "?beta=true")
        for name, verb, path, floor in (
            ("messages.batches.create", "post", "/v1/messages/batches", 800),
            ("messages.batches.list", "get", "/v1/messages/batches", 30),
            ("messages.batches.get", "get", _BATCH, 20),
            ("messages.batches.delete", "delete", _BATCH, 5),
            ("messages.batches.cancel", "post", f"{_BATCH}/cancel", 20),
            ("messages.batches.results", "get", f"{_BATCH}/results", 300),
        )
    ),
    ("files.list", "get", "/v1/files?beta=true", 20),
    ("files.upload", "post", "/v1/files?beta=true", 15),
    ("files.get", "get", f"{_FILE}?beta=true", 15),
    ("files.delete", "delete", f"{_FILE}?beta=true", 5),
    ("files.download", "get", f"{_FILE}/content?beta=true", 2),
)
_AGENT, _TALK = "/v1/agents/{agent_id}", "/v1/conversations/{conversation_id}"
_TRAINING, _BATCH_JOB = "/v1/fine_tuning/jobs/{job_id}", "/v1/batch/jobs/{job_id}"
_TUNED = "/v1/fine_tuning/models/{model_id}"
MISTRAL = (
    ("agents.complete", "post", "/v1/agents/completions", 200),
    ("agents.list", "get", "/v1/agents", 150),
    ("agents.create", "post", "/v1/agents", 190),
    ("agents.list_pages", "get", "/v1/agents/pages", 150),
    ("agents.get", "get", _AGENT, 140),
    ("agents.update", "patch", _AGENT, 190),
    ("agents.delete", "delete", _AGENT, 1),
    ("agents.update_version", "patch", f"{_AGENT}/version", 140),
    ("agents.list_versions", "get", f"{_AGENT}/versions", 140),
    ("agents.get_version", "get", f"{_AGENT}/versions/{{version}}", 140),
    ("agents.list_version_aliases", "get", f"{_AGENT}/aliases", 5),
    ("agents.create_version_alias", "put", f"{_AGENT}/aliases", 7),
    ("agents.delete_version_alias", "delete", f"{_AGENT}/aliases", 2),
    ("audio.transcriptions.complete", "post", "/v1/audio/transcriptions", 25),
    ("batch.jobs.list", "get", "/v1/batch/jobs", 35),
    ("batch.jobs.create", "post", "/v1/batch/jobs", 45),
    ("batch.jobs.get", "get", _BATCH_JOB, 25),
    ("batch.jobs.cancel", "post", f"{_BATCH_JOB}/cancel", 25),
    ("classifiers.moderate", "post", "/v1/moderations", 8),
    ("classifiers.moderate_chat", "post", "/v1/chat/moderations", 70),
    ("classifiers.classify", "post", "/v1/classifications", 6),
    ("classifiers.classify_chat", "post", "/v1/chat/classifications", 70),
    ("conversations.list", "get", "/v1/conversations", 120),
    ("conversations.start", "post", "/v1/conversations", 250),
    ("conversations.get", "get", _TALK, 120),
    ("conversations.append", "post", _TALK, 200),
    ("conversations.delete", "delete", _TALK, 1),
    ("conversations.get_history", "get", f"{_TALK}/history", 90),
    ("conversations.get_messages", "get", f"{_TALK}/messages", 60),
    ("conversations.restart", "post", f"{_TALK}/restart", 200),
    ("embeddings.create", "post", "/v1/embeddings", 25),
    ("files.list", "get", "/v1/files", 35),
    ("files.upload", "post", "/v1/files", 25),
    ("files.get", "get", "/v1/files/{file_id}", 25),
    ("files.delete", "delete", "/v1/files/{file_id}", 4),
    ("files.download", "get", "/v1/files/{file_id}/content", 1),
    ("files.get_signed_url", "get", "/v1/files/{file_id}/url", 3),
    ("fim.complete", "post", "/v1/fim/completions", 100),
    ("fine_tuning.jobs.list", "get", "/v1/fine_tuning/jobs", 60),
    ("fine_tuning.jobs.create", "post", "/v1/fine_tuning/jobs", 90),
    ("fine_tuning.jobs.get", "get", _TRAINING, 60),
    ("fine_tuning.jobs.cancel", "post", f"{_TRAINING}/cancel", 60),
    ("fine_tuning.jobs.start", "post", f"{_TRAINING}/start", 60),
    ("models.delete", "delete", "/v1/models/{model_id}", 4),
    ("models.update", "patch", _TUNED, 25),
    ("models.archive", "post", f"{_TUNED}/archive", 4),
    ("models.unarchive", "delete", f"{_TUNED}/archive", 4),
    ("ocr.process", "post", "/v1/ocr", 130),
)
MISTRAL_STREAMS = (
    ("conversations.start", "/v1/conversations#stream", "ConversationEvents.data"),
    ("conversations.append", f"{_TALK}#stream", "ConversationEvents.data"),
    ("conversations.restart", f"{_TALK}/restart#stream", "ConversationEvents.data"),
    ("audio.transcriptions.complete", "/v1/audio/transcriptions#stream", "TranscriptionStreamEvents.data"),
    ("fim.complete", "/v1/fim/completions", "CompletionChunk"),
)

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
    *(Truth("anthropic", name, _ANTHROPIC, path, floor, verb) for name, verb, path, floor in ANTHROPIC),
    _chat("groq", _GROQ, "/openai/v1/chat/completions", _CHUNK, 400),
    Truth("groq", "models.list", _GROQ, "/openai/v1/models", 6),
    Truth("groq", "models.get", _GROQ, "/openai/v1/models/{model}", 5),
    *(Truth("groq", name, _GROQ, f"/openai/v1{path}", floor, verb) for name, verb, path, floor in GROQ),
    _chat("mistral", "mistral.official", "/v1/chat/completions", "CompletionChunk", 350),
    Truth("mistral", "models.list", "mistral.official", "/v1/models", 50),
    Truth("mistral", "models.get", "mistral.official", "/v1/models/{model_id}", 50),
    *(Truth("mistral", name, "mistral.official", path, floor, verb) for name, verb, path, floor in MISTRAL),
    *(
        Truth("mistral", name, "mistral.official", path, 40, "post", event)
        for name, path, event in MISTRAL_STREAMS
    ),
    _chat("openai", "openai.official", "/chat/completions", _CHUNK, 420),
    Truth("openai", "models.list", "openai.official", "/models", 6),
    Truth("openai", "models.get", "openai.official", "/models/{model}", 5),
    *(Truth("openai", name, "openai.official", path, floor, verb) for name, verb, path, floor in OPENAI),
    Truth(
        "openai",
        "images.edit_json",
        "openai.official",
        "/images/edits",
        60,
        "post",
        media="application/json",
    ),
)

SECOND_SOURCES = (
    _chat("mistral", "mistral.public-doc", "/v1/chat/completions", "CompletionChunk", 350),
    Truth("mistral", "models.list", "mistral.public-doc", "/v1/models", 50),
    Truth("mistral", "models.get", "mistral.public-doc", "/v1/models/{model_id}", 50),
    *(
        Truth("mistral", name, "mistral.public-doc", path, 1, verb)
        for name, verb, path, _ in MISTRAL
        if "/fine_tuning/jobs" not in path  # not in that document
    ),
    Truth("mistral", "batch.jobs.delete", "mistral.public-doc", _BATCH_JOB, 4, "delete"),
)


def measure(truth: Truth, ours: Document | None = None, vendor: Document | None = None) -> Comparison:
    """Return the comparison of one operation: parameters, request, response, error and streamed event.

    `ours` and `vendor` are read from the descriptions and the reference data unless they are given.
    """
    ours, vendor = ours or description(truth.provider), vendor or vendor_document(truth.document)
    return compare(vendor, their_parts(truth, vendor), ours, our_parts(truth, ours))


def reverse(truth: Truth, vendor: Document | None = None) -> Comparison:
    """Return the comparison the other way round, whose gaps are what only we have."""
    ours, vendor = description(truth.provider), vendor or vendor_document(truth.document)
    return compare(ours, our_parts(truth, ours), vendor, their_parts(truth, vendor))


def their_parts(truth: Truth, vendor: Document) -> Parts:
    """Return the parts of an operation in a vendor's document; KeyError if it has no such operation."""
    return parts(vendor, truth.path, truth.verb, truth.event, truth.media)


def our_parts(truth: Truth, ours: Document) -> Parts:
    """Return the parts of an operation in our description; KeyError if it has no such operation."""
    path, verb, _ = operations(ours)[truth.operation]
    return parts(ours, path, verb)


def not_excused(truth: Truth, found: list[str]) -> list[str]:
    """Return the differences that no exception covers."""
    entries = [entry for entry in exceptions() if concerns(entry, truth)]
    return [gap for gap in found if not any(excuses(entry, gap) for entry in entries)]


def concerns(entry: dict[str, Any], truth: Truth) -> bool:
    """Whether an exception is about an operation; a `*` in its path covers any text."""
    return bool(entry["document"] == truth.document) and matches(entry["path"], truth.path)


def excuses(entry: dict[str, Any], gap: str) -> bool:
    """Whether an exception covers a difference; a `*` in it covers any text."""
    return matches(entry["gap"], gap)


def matches(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern in which `*` stands for any text."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None


def exceptions() -> list[dict[str, Any]]:
    """Return the entries of exceptions.yaml: document, path, gap, reason."""
    text = Path(__file__).with_name("exceptions.yaml").read_text(encoding="utf-8")
    entries: list[dict[str, Any]] = parse(text)
    return entries
