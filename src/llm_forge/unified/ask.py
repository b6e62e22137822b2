"""One request in our vocabulary, before it takes any provider's form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..core.errors import ConfigError
from .messages import Prompt, messages_of, parts_of
from .parts import Message
from .schemas import Schema, schema_of
from .tools import NativeTool, Tool, tool_of

# Names that every provider understands through us; all others are the provider's own, or call options.
PLAIN = ("max_tokens", "temperature", "top_p", "top_k", "stop", "seed", "parallel_tool_calls")
PARAMETERS = frozenset({*PLAIN, "system", "tools", "tool_choice", "schema", "json", "thinking"})


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked: messages, tools, the form of the answer, and how to generate it.

    `plain` are the parameters whose value needs no translation, by our names. `native` is the rest: the
    provider's own parameters and options of the call. `thinking` is True, False, an effort such as "low", or
    a budget in tokens. `as_json` asks for any JSON object.
    """

    messages: tuple[Message, ...]
    tools: tuple[Tool | NativeTool, ...] = ()
    tool_choice: str | Mapping[str, Any] | None = None
    schema: Schema | None = None
    as_json: bool = False
    thinking: bool | str | int | None = None
    plain: Mapping[str, Any] = field(default_factory=dict)
    native: Mapping[str, Any] = field(default_factory=dict)

    def with_native(self, **more: Any) -> Ask:
        """The same with more of the provider's own parameters."""
        return replace(self, native={**self.native, **more})


def ask_of(prompt: Prompt, parameters: Mapping[str, Any]) -> Ask:
    """The request that a call means; parameters that are None are left out."""
    given = {name: value for name, value in parameters.items() if value is not None or name not in PARAMETERS}
    messages = messages_of(prompt)
    if "system" in given:
        messages = (Message("system", parts_of(given["system"])), *messages)
    schema = given.get("schema")
    return Ask(
        messages=messages,
        tools=tuple(tool_of(one) for one in _listed(given.get("tools", ()))),
        tool_choice=_choice(given.get("tool_choice")),
        schema=None if schema is None else schema_of(schema),
        as_json=bool(given.get("json", False)),
        thinking=given.get("thinking"),
        plain=_plain(given),
        native={name: value for name, value in given.items() if name not in PARAMETERS},
    )


def _plain(given: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: given[name] for name in PLAIN if name in given}
    if isinstance(plain.get("stop"), str):
        plain["stop"] = [plain["stop"]]
    return plain


def _listed(tools: Any) -> Sequence[Any]:
    if isinstance(tools, Sequence) and not isinstance(tools, str):
        return tools
    raise ConfigError("tools must be a list of functions, dicts or Tool objects")


def _choice(choice: Any) -> Any:
    """ "auto", "none", "any" ("required" is the same), the name of a tool, or a provider's own form."""
    return "any" if choice in ("required", True) else choice
