"""Every name that OpenTelemetry is given, once: its GenAI conventions still change.

Source: open-telemetry/semantic-conventions-genai, all in development; HTTP and server attributes are stable.
What the conventions have no name for is `llm_forge.*`.
"""

from __future__ import annotations

from collections.abc import Mapping

SCOPE = "llm_forge"

# -- attributes ----------------------------------------------------------------------------------------

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
MODEL = "gen_ai.request.model"
STREAM = "gen_ai.request.stream"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 - an attribute
FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
SYSTEM = "gen_ai.system_instructions"
INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
ERROR = "error.type"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
METHOD = "http.request.method"
RESEND_COUNT = "http.request.resend_count"
STATUS = "http.response.status_code"
CALL_ID = "llm_forge.call_id"
REQUEST_ID = "llm_forge.request_id"
ATTEMPT = "llm_forge.attempt"
ATTEMPTS = "llm_forge.attempts"
COMPLETION = "llm_forge.stream.completion"
LIMITER_WAIT = "llm_forge.limiter.wait"
BREAKER_STATE = "llm_forge.breaker.state"
COST = "llm_forge.cost"
STATUS_CLASS = "llm_forge.status_class"

# Facts of a call's end, by the attribute that holds them.
FACTS: Mapping[str, str] = {
    "gen_ai.response.id": "response_id",
    "gen_ai.response.model": "response_model",
    "gen_ai.response.finish_reasons": "finish_reasons",
    "gen_ai.usage.input_tokens": "input_tokens",
    "gen_ai.usage.output_tokens": "output_tokens",
    "gen_ai.usage.cache_read.input_tokens": "cache_read_tokens",
    "gen_ai.usage.cache_creation.input_tokens": "cache_creation_tokens",
    "gen_ai.usage.reasoning.output_tokens": "reasoning_tokens",
    COMPLETION: "completion",
    ATTEMPTS: "attempts",
}

# -- metrics -------------------------------------------------------------------------------------------

DURATION = "gen_ai.client.operation.duration"
TOKENS = "gen_ai.client.token.usage"
TIME_TO_FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"
TIME_PER_CHUNK = "gen_ai.client.operation.time_per_output_chunk"
SECONDS_BUCKETS = tuple(0.01 * 2**step for step in range(14))  # 0.01 to 81.92
TOKEN_BUCKETS = tuple(4.0**step for step in range(14))  # 1 to 4^13

# -- values --------------------------------------------------------------------------------------------

PROVIDERS: Mapping[str, str] = {"mistral": "mistral_ai"}  # the others are called alike
OPERATIONS: Mapping[str, str] = {
    "messages.create": "chat",
    "chat.completions.create": "chat",
    "responses.create": "chat",
    "agents.completions.create": "chat",
    "fim.completions.create": "text_completion",
    "completions.create": "text_completion",
    "embeddings.create": "embeddings",
}


def provider_of(name: str) -> str:
    """What the conventions call a provider."""
    return PROVIDERS.get(name, name)


def operation_of(name: str) -> str:
    """The well-known operation that this one is, or its own name."""
    return OPERATIONS.get(name, name)
