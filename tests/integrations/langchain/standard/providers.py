"""Our four providers for LangChain's standard suites: what each can do, and why a flag is off.

All suites share `Forge`. A flag that is off has its reason beside it; what is not mentioned is on.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage

from llm_forge.integrations.langchain import ChatForge

Details = dict[Literal["invoke", "stream"], list[str]]
LONG = "A text worth keeping. " * 400  # long enough for every provider's prompt cache


class Forge:
    """ChatForge, with every feature switched on."""

    name: ClassVar[str]
    other: ClassVar[str]
    thinker: ClassVar[dict[str, Any]] = {}
    details: ClassVar[tuple[str, ...]] = ()
    method: ClassVar[str] = "function_calling"

    has_tool_calling = True
    has_tool_choice = True
    has_structured_output = True
    supports_json_mode = True
    supports_image_inputs = True
    supports_image_urls = True
    supports_pdf_inputs = True
    supports_audio_inputs = True
    supports_anthropic_inputs = True
    supports_image_tool_message = True
    supports_pdf_tool_message = True
    supports_model_override = True
    returns_usage_metadata = True
    supports_video_inputs = False  # no test uses it, and none of the four takes video
    enable_vcr_tests = False  # nothing is recorded: the simulator answers

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatForge

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": self.name}

    @property
    def model_override_value(self) -> str:
        return self.other

    @property
    def structured_output_kwargs(self) -> dict[str, Any]:
        return {"method": self.method}

    @property
    def supported_usage_metadata_details(self) -> Details:
        return {"invoke": list(self.details), "stream": list(self.details)}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        word = self.name.partition("/")[0].upper()
        environment = {f"{word}_API_KEY": "a-key-of-a-test"}
        return environment, {"model": self.name}, {"api_key": "a-key-of-a-test"}

    # What the suites ask to be made, to see its usage.

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        return self._asked({"model": self.name, **self.thinker}, "Think about the sky", stream=stream)

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        self.invoke_with_cache_creation_input(stream=stream)
        return self.invoke_with_cache_creation_input(stream=stream)

    def invoke_with_cache_creation_input(self, *, stream: bool = False) -> AIMessage:
        marked = {"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}
        return self._asked({"model": self.name}, [marked], stream=stream)

    @staticmethod
    def _asked(parameters: dict[str, Any], content: Any, *, stream: bool) -> AIMessage:
        model = ChatForge(**parameters)
        if not stream:
            return model.invoke([HumanMessage(content)])
        whole: AIMessageChunk | None = None
        for chunk in model.stream([HumanMessage(content)]):
            whole = chunk if whole is None else whole + chunk
        assert whole is not None
        return whole


class Anthropic(Forge):
    name = "anthropic/claude-sonnet-4-5"
    other = "claude-haiku-4-5"
    details = ("cache_read_input", "cache_creation_input")  # thinking is part of the output, not told apart
    supports_json_mode = False  # the API has no JSON mode, only schemas
    supports_audio_inputs = False  # the API takes no sound


class Groq(Forge):
    name = "groq/meta-llama/llama-4-scout-17b-16e-instruct"
    other = "openai/gpt-oss-20b"
    thinker: ClassVar[dict[str, Any]] = {"model": "groq/openai/gpt-oss-20b", "thinking": "low"}
    details = ("reasoning_output",)  # it counts cached tokens only where there are some
    supports_pdf_inputs = False  # the API takes no files
    supports_pdf_tool_message = False  # likewise
    supports_audio_inputs = False  # sound is transcribed by another of its APIs


class Mistral(Forge):
    name = "mistral/mistral-small-latest"
    other = "magistral-small-latest"
    details = ()  # three counts without details


class OpenAI(Forge):
    name = "openai/gpt-4o-mini"
    other = "gpt-4.1-mini"
    thinker: ClassVar[dict[str, Any]] = {"model": "openai/o4-mini"}
    details = ("reasoning_output", "cache_read_input")
    supports_image_tool_message = False  # chat completions take only text as a tool's result
    supports_pdf_tool_message = False  # likewise
