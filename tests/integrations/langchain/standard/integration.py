"""LangChain's standard integration tests over ChatForge and the simulator, for each provider.

Each runs twice: with answers in a form asked for by a tool, and by the provider's own schemas.
"""

from __future__ import annotations

from langchain_tests.integration_tests import ChatModelIntegrationTests

from . import providers


class TestAnthropic(providers.Anthropic, ChatModelIntegrationTests):
    pass


class TestGroq(providers.Groq, ChatModelIntegrationTests):
    pass


class TestMistral(providers.Mistral, ChatModelIntegrationTests):
    pass


class TestOpenAI(providers.OpenAI, ChatModelIntegrationTests):
    pass


class TestAnthropicSchemas(TestAnthropic):
    method = "json_schema"


class TestGroqSchemas(TestGroq):
    method = "json_schema"


class TestMistralSchemas(TestMistral):
    method = "json_schema"


class TestOpenAISchemas(TestOpenAI):
    method = "json_schema"
