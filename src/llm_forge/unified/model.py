"""A model that can be asked, whoever serves it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Self

from ..core.views import View
from ..runtime.client import SyncClient
from .dialects import Dialect

Prompt = str | Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer; `raw` is the provider's own typed answer, `usage` its usage as it came."""

    text: str
    finish_reason: str | None
    usage: Mapping[str, Any] | None
    raw: View


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a streamed answer."""

    text: str


class LanguageModel:
    """One model of one provider; made by `get_llm`."""

    def __init__(self, client: SyncClient, dialect: Dialect, model: str) -> None:
        self.client = client
        self.model = model
        self._dialect = dialect
        self._resource: Any = attrgetter(".".join(dialect.resource))(client)

    def invoke(self, prompt: Prompt, **parameters: Any) -> Reply:
        """The whole answer to a prompt or a list of messages.

        `parameters` are the provider's own, and call options such as `timeout`; `max_tokens` is the
        longest answer for every provider.
        """
        return self._reply(self._resource.create(**self._arguments(prompt, parameters)))

    def stream(self, prompt: Prompt, **parameters: Any) -> Iterator[Piece]:
        """The answer piece by piece; an interrupted stream raises StreamInterruptedError with `partial`."""
        for text in self._resource.stream(**self._arguments(prompt, parameters)).texts():
            yield Piece(text)

    def close(self) -> None:
        """Close the client."""
        self.client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _arguments(self, prompt: Prompt, parameters: Mapping[str, Any]) -> dict[str, Any]:
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
        asked = {**self._dialect.required, **parameters}
        if "max_tokens" in asked:
            asked[self._dialect.output_limit] = asked.pop("max_tokens")
        return {"model": self.model, "messages": messages, **asked}

    def _reply(self, raw: View) -> Reply:
        data = raw.to_dict()
        return Reply(self._dialect.read_text(data), self._dialect.read_finish(data), data.get("usage"), raw)
