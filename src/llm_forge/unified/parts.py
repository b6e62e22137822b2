"""What a message is made of, whoever it is sent to.

Each API's own form is made of these in `chat_form` and `blocks_form`. What none of them means is `Raw`
and goes on the wire as it was given; `extra` are further fields of a part, likewise (R-014).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]
Extra: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Text:
    """Text."""

    text: str
    extra: Extra = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Media:
    """An image or another file: by `url`, by its bytes in Base64 as `data`, or by an `id` from an upload."""

    kind: Literal["image", "file"]
    url: str | None = None
    data: str | None = field(default=None, repr=False)
    id: str | None = None
    media_type: str | None = None
    name: str | None = None
    extra: Extra = field(default_factory=dict)

    @property
    def source(self) -> Literal["url", "data", "id"]:
        """Which of the three it has."""
        return "data" if self.data is not None else "url" if self.url is not None else "id"

    def data_url(self) -> str:
        """Its address; bytes as a `data:` URL."""
        return f"data:{self.media_type};base64,{self.data}" if self.data is not None else self.url or ""


@dataclass(frozen=True, slots=True)
class Thinking:
    """What a model thought; `raw` is its provider's own form, which only goes back to `provider`."""

    text: str
    raw: Any = field(default=None, repr=False)
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model asks for.

    `arguments` is the decoded JSON. If what came is not JSON, `valid` is False, `arguments` is empty and
    `arguments_json` has the text (R-163, R-174).
    """

    id: str
    name: str
    arguments: Any
    arguments_json: str = "{}"
    valid: bool = True


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave for the call with that id."""

    call_id: str
    parts: tuple[Part, ...]
    is_error: bool = False
    name: str | None = None
    extra: Extra = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Raw:
    """A part in a provider's own form."""

    value: Any


Part: TypeAlias = Text | Media | Thinking | ToolCall | ToolResult | Raw


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation."""

    role: Role
    parts: tuple[Part, ...]
    extra: Extra = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Its text."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))
