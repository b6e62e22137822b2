"""The paths of these services, below the provider's own beginning."""

from __future__ import annotations

from ..provider import Route

_FILES = """
GET /files files.list
POST /files files.create
GET /files/{} files.get
DELETE /files/{} files.delete
GET /files/{}/content files.content
GET /batches batches.list
POST /batches batches.create
GET /batches/{} batches.get
POST /batches/{}/cancel batches.cancel
"""
_AUDIO = """
POST /audio/speech audio.speech.create
POST /audio/transcriptions audio.transcriptions.create
POST /audio/translations audio.translations.create
POST /embeddings embeddings.create
DELETE /models/{} models.delete
"""
_OPENAI = """
POST /moderations moderations.create
POST /images/generations images.generate
POST /images/edits images.edit
POST /images/variations images.create_variation
POST /uploads uploads.create
POST /uploads/{}/parts uploads.parts.create
POST /uploads/{}/complete uploads.complete
POST /uploads/{}/cancel uploads.cancel
GET /fine_tuning/jobs fine_tuning.jobs.list
POST /fine_tuning/jobs fine_tuning.jobs.create
GET /fine_tuning/jobs/{} fine_tuning.jobs.get
POST /fine_tuning/jobs/{}/cancel fine_tuning.jobs.cancel
POST /fine_tuning/jobs/{}/pause fine_tuning.jobs.pause
POST /fine_tuning/jobs/{}/resume fine_tuning.jobs.resume
GET /fine_tuning/jobs/{}/events fine_tuning.jobs.list_events
GET /fine_tuning/jobs/{}/checkpoints fine_tuning.jobs.checkpoints.list
GET /vector_stores vector_stores.list
POST /vector_stores vector_stores.create
GET /vector_stores/{} vector_stores.get
POST /vector_stores/{} vector_stores.update
DELETE /vector_stores/{} vector_stores.delete
POST /vector_stores/{}/search vector_stores.search
GET /vector_stores/{}/files vector_stores.files.list
POST /vector_stores/{}/files vector_stores.files.create
GET /vector_stores/{}/files/{} vector_stores.files.get
POST /vector_stores/{}/files/{} vector_stores.files.update
DELETE /vector_stores/{}/files/{} vector_stores.files.delete
GET /vector_stores/{}/files/{}/content vector_stores.files.content
POST /vector_stores/{}/file_batches vector_stores.file_batches.create
GET /vector_stores/{}/file_batches/{} vector_stores.file_batches.get
POST /vector_stores/{}/file_batches/{}/cancel vector_stores.file_batches.cancel
GET /vector_stores/{}/file_batches/{}/files vector_stores.file_batches.list_files
POST /responses responses.create
GET /responses/{} responses.get
DELETE /responses/{} responses.delete
POST /responses/{}/cancel responses.cancel
GET /responses/{}/input_items responses.input_items.list
"""


def _read(table: str, beginning: str) -> tuple[Route, ...]:
    rows = (line.split() for line in table.splitlines() if line)
    return tuple(Route(operation, method, beginning + path) for method, path, operation in rows)


def groq_routes() -> tuple[Route, ...]:
    """Files, batches, audio and embeddings of Groq."""
    return _read(_FILES + _AUDIO, "/openai/v1")


def openai_routes() -> tuple[Route, ...]:
    """All services of OpenAI but chat."""
    return _read(_FILES + _AUDIO + _OPENAI, "/v1")
