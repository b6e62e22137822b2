"""How the one vocabulary is said to each kind of API: facts as data and two small functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

DEFAULT_MAX_TOKENS = 4096  # for APIs that insist on a limit


@dataclass(frozen=True, slots=True)
class Dialect:
    """`resource` is the attribute path of the operations, `required` what the API insists on.

    `output_limit` is the API's own name for `max_tokens`.
    """

    resource: tuple[str, ...]
    read_text: Callable[[Mapping[str, Any]], str]
    read_finish: Callable[[Mapping[str, Any]], str | None]
    required: Mapping[str, Any]
    output_limit: str = "max_tokens"


def _blocks_text(message: Mapping[str, Any]) -> str:
    blocks = message.get("content") or []
    return "".join(block.get("text", "") for block in blocks if block.get("type") == "text")


def _first_choice(completion: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = completion.get("choices") or [{}]
    first: Mapping[str, Any] = choices[0]
    return first


def _choice_text(completion: Mapping[str, Any]) -> str:
    content = (_first_choice(completion).get("message") or {}).get("content")
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if part.get("type") == "text")
    return content or ""


_BLOCKS = Dialect(
    ("messages",),
    _blocks_text,
    lambda message: message.get("stop_reason"),
    {"max_tokens": DEFAULT_MAX_TOKENS},
)
_CHAT = Dialect(
    ("chat", "completions"),
    _choice_text,
    lambda completion: _first_choice(completion).get("finish_reason"),
    {},
)
# Models that reason refuse `max_tokens`; both APIs take the newer name for all models.
_CHAT_NEWER_LIMIT = replace(_CHAT, output_limit="max_completion_tokens")
DIALECTS: Mapping[str, Dialect] = {
    "anthropic": _BLOCKS,
    "groq": _CHAT_NEWER_LIMIT,
    "mistral": _CHAT,
    "openai": _CHAT_NEWER_LIMIT,
}
