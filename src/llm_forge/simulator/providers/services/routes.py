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
_ANTHROPIC = """
POST /messages messages.create
POST /messages/count_tokens messages.count_tokens
POST /messages/batches messages.batches.create
GET /messages/batches messages.batches.list
GET /messages/batches/{} messages.batches.get
DELETE /messages/batches/{} messages.batches.delete
POST /messages/batches/{}/cancel messages.batches.cancel
GET /messages/batches/{}/results messages.batches.results
GET /models models.list
GET /models/{} models.get
POST /files files.upload
GET /files files.list
GET /files/{} files.get
DELETE /files/{} files.delete
GET /files/{}/content files.download
GET /organizations/me organization.get
GET /organizations/users organization.users.list
GET /organizations/users/{} organization.users.get
POST /organizations/users/{} organization.users.update
DELETE /organizations/users/{} organization.users.remove
GET /organizations/invites organization.invites.list
POST /organizations/invites organization.invites.create
GET /organizations/invites/{} organization.invites.get
DELETE /organizations/invites/{} organization.invites.delete
GET /organizations/workspaces organization.workspaces.list
POST /organizations/workspaces organization.workspaces.create
GET /organizations/workspaces/{} organization.workspaces.get
POST /organizations/workspaces/{} organization.workspaces.update
POST /organizations/workspaces/{}/archive organization.workspaces.archive
GET /organizations/workspaces/{}/members organization.workspaces.members.list
POST /organizations/workspaces/{}/members organization.workspaces.members.add
GET /organizations/workspaces/{}/members/{} organization.workspaces.members.get
POST /organizations/workspaces/{}/members/{} organization.workspaces.members.update
DELETE /organizations/workspaces/{}/members/{} organization.workspaces.members.remove
GET /organizations/api_keys organization.api_keys.list
GET /organizations/api_keys/{} organization.api_keys.get
POST /organizations/api_keys/{} organization.api_keys.update
GET /organizations/usage_report/messages organization.usage_report.messages
GET /organizations/cost_report organization.cost_report.get
"""
_MISTRAL = """
POST /chat/completions chat.completions.create
POST /fim/completions fim.complete
GET /models models.list
GET /models/{} models.get
DELETE /models/{} models.delete
PATCH /fine_tuning/models/{} models.update
POST /fine_tuning/models/{}/archive models.archive
DELETE /fine_tuning/models/{}/archive models.unarchive
GET /fine_tuning/jobs fine_tuning.jobs.list
POST /fine_tuning/jobs fine_tuning.jobs.create
GET /fine_tuning/jobs/{} fine_tuning.jobs.get
POST /fine_tuning/jobs/{}/cancel fine_tuning.jobs.cancel
POST /fine_tuning/jobs/{}/start fine_tuning.jobs.start
GET /files files.list
POST /files files.upload
GET /files/{} files.get
DELETE /files/{} files.delete
GET /files/{}/content files.download
GET /files/{}/url files.get_signed_url
GET /batch/jobs batch.jobs.list
POST /batch/jobs batch.jobs.create
GET /batch/jobs/{} batch.jobs.get
DELETE /batch/jobs/{} batch.jobs.delete
POST /batch/jobs/{}/cancel batch.jobs.cancel
GET /agents agents.list
POST /agents agents.create
GET /agents/pages agents.list_pages
POST /agents/completions agents.complete
GET /agents/{} agents.get
PATCH /agents/{} agents.update
DELETE /agents/{} agents.delete
PATCH /agents/{}/version agents.update_version
GET /agents/{}/versions agents.list_versions
GET /agents/{}/versions/{} agents.get_version
GET /agents/{}/aliases agents.list_version_aliases
PUT /agents/{}/aliases agents.create_version_alias
DELETE /agents/{}/aliases agents.delete_version_alias
GET /conversations conversations.list
POST /conversations conversations.start
GET /conversations/{} conversations.get
POST /conversations/{} conversations.append
DELETE /conversations/{} conversations.delete
GET /conversations/{}/history conversations.get_history
GET /conversations/{}/messages conversations.get_messages
POST /conversations/{}/restart conversations.restart
POST /embeddings embeddings.create
POST /moderations classifiers.moderate
POST /chat/moderations classifiers.moderate_chat
POST /classifications classifiers.classify
POST /chat/classifications classifiers.classify_chat
POST /ocr ocr.process
POST /audio/transcriptions audio.transcriptions.complete
"""


def _read(table: str, beginning: str) -> tuple[Route, ...]:
    rows = (line.split() for line in table.splitlines() if line)
    return tuple(Route(operation, method, beginning + path) for method, path, operation in rows)


def anthropic_routes() -> tuple[Route, ...]:
    """All services of Anthropic."""
    return _read(_ANTHROPIC, "/v1")


def groq_routes() -> tuple[Route, ...]:
    """Files, batches, audio and embeddings of Groq."""
    return _read(_FILES + _AUDIO, "/openai/v1")


def mistral_routes() -> tuple[Route, ...]:
    """All services of Mistral."""
    return _read(_MISTRAL, "/v1")


def openai_routes() -> tuple[Route, ...]:
    """All services of OpenAI but chat."""
    return _read(_FILES + _AUDIO + _OPENAI, "/v1")
