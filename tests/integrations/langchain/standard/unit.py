"""LangChain's standard unit tests over ChatForge, for each provider."""

from __future__ import annotations

from langchain_tests.unit_tests import ChatModelUnitTests

from . import providers


class TestAnthropic(providers.Anthropic, ChatModelUnitTests):
    pass


class TestGroq(providers.Groq, ChatModelUnitTests):
    pass


class TestMistral(providers.Mistral, ChatModelUnitTests):
    pass


class TestOpenAI(providers.OpenAI, ChatModelUnitTests):
    pass
