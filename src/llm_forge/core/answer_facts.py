"""What an answer says of itself, without any of its content: ids, reasons and tokens (R-230)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# Where providers put a count: the names of one fact, each a path into `usage`.
_TOKENS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "input_tokens": (("input_tokens",), ("prompt_tokens",)),
    "output_tokens": (("output_tokens",), ("completion_tokens",)),
    "cache_read_tokens": (
        ("cache_read_input_tokens",),
        ("prompt_tokens_details", "cached_tokens"),
        ("input_tokens_details", "cached_tokens"),
    ),
    "cache_creation_tokens": (("cache_creation_input_tokens",),),
    "reasoning_tokens": (
        ("completion_tokens_details", "reasoning_tokens"),
        ("output_tokens_details", "reasoning_tokens"),
    ),
}
_BESIDE_INPUT = ("cache_read_input_tokens", "cache_creation_input_tokens")


def answer_facts(answer: Any) -> dict[str, Any]:
    """The facts that are there: response_id, response_model, finish_reasons and the counts of tokens.

    `input_tokens` counts all input, cached or not, whether the provider counts the cached part in or not.
    """
    if not isinstance(answer, Mapping):
        return {}
    facts: dict[str, Any] = {}
    for name, field in (("response_id", "id"), ("response_model", "model")):
        if isinstance(answer.get(field), str):
            facts[name] = answer[field]
    if reasons := tuple(_reasons(answer)):
        facts["finish_reasons"] = reasons
    usage = answer.get("usage")
    return facts | _token_facts(usage) if isinstance(usage, Mapping) else facts


def _token_facts(usage: Mapping[str, Any]) -> dict[str, int]:
    found = {name: _first_count(usage, paths) for name, paths in _TOKENS.items()}
    facts = {name: count for name, count in found.items() if count is not None}
    if "input_tokens" in facts:
        # Anthropic counts the cached part beside the input, the others inside it.
        facts["input_tokens"] += sum(_count(usage.get(name)) or 0 for name in _BESIDE_INPUT)
    return facts


def _first_count(usage: Mapping[str, Any], paths: tuple[tuple[str, ...], ...]) -> int | None:
    return next((count for path in paths if (count := _count(_at(usage, path))) is not None), None)


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _reasons(answer: Mapping[str, Any]) -> Iterator[str]:
    choices = answer.get("choices")
    of_choices = [_at(one, ("finish_reason",)) for one in choices] if isinstance(choices, list) else []
    yield from (one for one in (answer.get("stop_reason"), *of_choices) if isinstance(one, str))
