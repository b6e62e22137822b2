"""A chat model of LangChain over any provider of LLM-Forge.

    from llm_forge.integrations.langchain import ChatForge
    ChatForge(model="anthropic/claude-sonnet-4-5").invoke("Why is the sky blue?")

Needs the extra `langchain`, which is imported with this package and with nothing else.
"""

from __future__ import annotations

from ...core.errors import ConfigError

try:
    from .chat_model import ChatForge
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] not in ("langchain_core", "pydantic"):
        raise
    raise ConfigError("LangChain is not installed: pip install 'llm-forge[langchain]'") from error

__all__ = ["ChatForge"]
