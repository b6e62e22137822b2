"""Models of all providers at a simulator."""

from __future__ import annotations

from typing import Any

import pytest

import llm_forge
from llm_forge.simulator import Simulator

NAMES = {
    "anthropic": "anthropic/claude-sonnet-4-5",
    "groq": "groq:llama-3.3-70b-versatile",
    "mistral": "mistral/mistral-small-latest",
    "openai": "openai:gpt-4o-mini",
}
PROVIDERS = pytest.mark.parametrize("provider", sorted(NAMES))


def model(simulator: Simulator, provider: str, **options: Any) -> llm_forge.LanguageModel:
    given = {"api_key": "key-of-a-test", "base_url": simulator.base_urls[provider], **options}
    return llm_forge.get_llm(NAMES[provider], **given)


def unanswered(provider: str, **options: Any) -> llm_forge.LanguageModel:
    """A model that no test calls."""
    return llm_forge.get_llm(NAMES[provider], api_key="key-of-a-test", **options)
