"""ChatForge: LangChain's chat model over a model handle.

It only translates: retries, limits, breakers, deadlines and fallbacks are those of the handle, so there is
one retry loop. Errors are those of llm_forge, as they were raised.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr, model_validator
from typing_extensions import override

from ...core.errors import ConfigError
from ...unified.model import LanguageModel
from ...unified.registry import find_provider, get_llm, model_name
from ...unified.reply import Reply
from .answer import Chunks, message_of
from .prompt import prompt_of
from .structured import Method, asked, parser, with_raw
from .tools import ToolLike, choice_of, form_parameters, tool_of

_FROZEN = frozenset(
    ("model", "fallback_models", "api_key", "base_url", "timeout", "max_retries", "client_options")
)
_PARAMETERS = ("temperature", "max_tokens", "top_p", "top_k", "stop", "seed", "thinking")


class ChatForge(BaseChatModel):
    """Any model of LLM-Forge as a chat model of LangChain.

    `model` is `provider/model` or `provider:model`; `fallback_models` are asked in turn when it cannot
    answer. Keys and base URLs come from the environment, by the vendors' names, or from a configuration
    file. Durations are seconds; `max_retries` is attempts after the first. `thinking` is True, False, an
    effort or a budget. `model_kwargs` are the provider's own parameters, `client_options` options of the
    client such as `transport` or `limits`; these are not part of what is serialised, since they may hold
    secrets. A call's `model=` names another model of the same provider, bare or prefixed.

    What the connection is made with stays as it was; parameters of calls may be assigned. Raises ConfigError
    for an unknown provider, a missing key or a wrong option.
    """

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, protected_namespaces=())

    model: str = Field(frozen=True)
    fallback_models: list[str] = Field(default_factory=list, frozen=True)
    api_key: SecretStr | None = Field(None, frozen=True)
    base_url: str | None = Field(None, frozen=True)
    timeout: float | None = Field(None, frozen=True)
    max_retries: int | None = Field(None, frozen=True)
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: list[str] | None = None
    seed: int | None = None
    thinking: bool | str | int | None = None
    streaming: bool = False
    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    client_options: dict[str, Any] = Field(default_factory=dict, repr=False, exclude=True, frozen=True)

    _llm: LanguageModel = PrivateAttr()

    @model_validator(mode="after")
    def _connect(self) -> ChatForge:
        """Make the handle, which opens nothing and tells of a missing key now."""
        if self.api_key is None and not self.client_options.keys() & {"api_key", "auth"}:
            object.__setattr__(self, "api_key", self._key_of_environment())  # frozen from here on
        shared = _given(timeout=self.timeout, max_attempts=_attempts(self.max_retries))
        key = None if self.api_key is None else self.api_key.get_secret_value()
        own = _given(api_key=key, base_url=self.base_url)
        first = get_llm(self.model, **{**shared, **own, **self.client_options})
        others = [get_llm(name, **shared) for name in self.fallback_models]
        self._llm = get_llm([first, *others]) if others else first
        return self

    def _key_of_environment(self) -> SecretStr | None:
        names = find_provider(self.provider).profile.env_api_key
        found = (os.environ.get(name, "").strip() for name in names)
        return next((SecretStr(value) for value in found if value), None)

    @override
    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with other parameters of calls.

        ConfigError for a change of what the connection was made with: the copy would not heed it.
        """
        fixed = [name for name in update or {} if name in _FROZEN]
        if fixed:
            names = ", ".join(fixed)
            raise ConfigError(
                f"A copy keeps its {names}: make another ChatForge, or name the model in the call"
            )
        return super().model_copy(update=update, deep=deep)

    @property
    def provider(self) -> str:
        """The provider of `model`."""
        return model_name(self.model)[0]

    # -- what a call asks for ----------------------------------------------------------------------

    def _call(
        self, messages: Sequence[BaseMessage], stop: list[str] | None, given: Mapping[str, Any]
    ) -> tuple[LanguageModel, dict[str, Any]]:
        """The handle to ask, and the arguments for it."""
        own = {name: getattr(self, name) for name in _PARAMETERS}
        asked_for = {**_given(**own), **self.model_kwargs, **given}
        asked_for["stop"] = stop or asked_for.get("stop") or None
        llm = self._handle(asked_for.pop("model", None))
        if (wanted := asked_for.pop("response_format", None)) is not None:
            asked_for |= form_parameters(wanted)
        return llm, {"prompt": prompt_of(messages, self.provider), **asked_for}

    def _handle(self, name: str | None) -> LanguageModel:
        """The handle, for another model of the same provider if a call names one."""
        if name is None:
            return self._llm
        first, *others = self._llm.routes
        target = replace(first.target, model=self._bare(name))
        return LanguageModel([replace(first, target=target), *others], self.client_options.get("clock"))

    def _bare(self, name: str) -> str:
        """The name without its prefix, if that is this model's provider."""
        own = (f"{self.provider}/", f"{self.provider}:")
        return name[len(own[0]) :] if name.startswith(own) else name

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        llm, arguments = self._call(messages, stop, kwargs)
        return _result(llm.invoke(**arguments))

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        llm, arguments = self._call(messages, stop, kwargs)
        return _result(await llm.ainvoke(**arguments))

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        llm, arguments = self._call(messages, stop, kwargs)
        chunks = Chunks()
        with llm.stream(**arguments) as stream:
            for piece in stream:
                chunk = ChatGenerationChunk(message=chunks.chunk(piece))
                if run_manager is not None:
                    run_manager.on_llm_new_token(piece.text, chunk=chunk)
                yield chunk
            yield ChatGenerationChunk(message=chunks.last(stream.reply()))

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        llm, arguments = self._call(messages, stop, kwargs)
        chunks = Chunks()
        async with llm.astream(**arguments) as stream:
            async for piece in stream:
                chunk = ChatGenerationChunk(message=chunks.chunk(piece))
                if run_manager is not None:
                    await run_manager.on_llm_new_token(piece.text, chunk=chunk)
                yield chunk
            yield ChatGenerationChunk(message=chunks.last(await stream.reply()))

    # -- tools and forms ---------------------------------------------------------------------------

    @override
    def bind_tools(
        self,
        tools: Sequence[ToolLike],
        *,
        tool_choice: str | bool | Mapping[str, Any] | None = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """This model with tools: functions, classes, LangChain's tools, or dicts of any provider's form.

        `tool_choice` is "auto", "none", "any" (or "required", or True), or a tool's name.
        """
        made = [tool_of(one, strict, self.provider) for one in tools]
        choice = _given(tool_choice=choice_of(tool_choice), parallel_tool_calls=parallel_tool_calls)
        return self.bind(tools=made, **choice, **kwargs)

    @override
    def with_structured_output(
        self,
        schema: dict[str, Any] | type | None = None,
        *,
        method: Method = "function_calling",
        include_raw: bool = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """This model with answers in the form of a pydantic class (v1 too), TypedDict or JSON schema.

        "function_calling" works with every model that has tools; "json_schema" is the provider's own
        guarantee, for the models that have it; "json_mode" any JSON, of the form that the prompt describes.
        """
        wanted = {**asked(schema, method, strict), **kwargs}
        model = self.bind_tools(**wanted) if "tools" in wanted else self.bind(**wanted)
        read = parser(schema, method)
        return with_raw(model, read) if include_raw else model | read

    # -- what LangChain wants to know --------------------------------------------------------------

    @property
    @override
    def _llm_type(self) -> str:
        return "llm-forge"

    @property
    @override
    def _identifying_params(self) -> dict[str, Any]:
        names = ("model", "fallback_models", "base_url", *_PARAMETERS, "model_kwargs")
        return {name: getattr(self, name) for name in names}

    @override
    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop or self.stop or None, **kwargs)
        params["ls_provider"] = self.provider
        params["ls_model_name"] = self._bare(kwargs.get("model") or self.model)
        return params

    @classmethod
    @override
    def is_lc_serializable(cls) -> bool:
        return True

    @classmethod
    @override
    def get_lc_namespace(cls) -> list[str]:
        return ["llm_forge", "integrations", "langchain"]

    @property
    @override
    def lc_secrets(self) -> dict[str, str]:
        return {"api_key": find_provider(self.provider).profile.env_api_key[0]}

    # -- closing -----------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the connections for threads."""
        self._llm.close()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._llm.aclose()


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _attempts(retries: int | None) -> int | None:
    return None if retries is None else retries + 1


def _result(reply: Reply) -> ChatResult:
    return ChatResult(generations=[ChatGeneration(message=message_of(reply))])
