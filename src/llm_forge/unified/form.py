"""What the forms share: checks of what an API can do, and the table of forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .ask import Ask
from .capabilities import Target
from .parts import Media


def check_media(part: Media, target: Target) -> None:
    """Refuse an image or file that the API does not take in this way."""
    ways = target.can.parts.get(part.kind, ())
    if not ways:
        raise target.refuse(f"takes no {part.kind} parts", "use another model, or send its text")
    if part.source not in ways:
        raise target.refuse(
            f"takes no {part.kind} by {part.source}",
            f"give it by {' or '.join(ways)}: see llm_forge.{part.kind}",
        )


def choice_of(choice: Any, target: Target) -> Any:
    """The API's word for a choice of tools; a mapping is its own already; None for a tool's name."""
    return choice if isinstance(choice, Mapping) else target.can.tool_choice.get(choice)


def thinking_word(thinking: bool | str | int, target: Target) -> str:
    """The API's word for how much to think."""
    can = target.can.thinking
    if isinstance(thinking, str):
        return thinking
    if isinstance(thinking, bool):
        word: str = can["on"] if thinking else can["off"]
        return word
    raise target.refuse(
        "takes no thinking budget in tokens", 'say how much with a word, such as thinking="low"'
    )


def check(ask: Ask, target: Target) -> None:
    """Refuse what this API has no word for, before anything is sent."""
    for name in ask.plain:
        if name not in target.can.parameters:
            known = ", ".join(sorted(target.can.parameters))
            raise target.refuse(f"has no {name}", f"leave it out; it has {known}")
    if ask.thinking is not None and not target.can.thinking:
        raise target.refuse("has no thinking", "leave it out")
    if ask.schema is not None and target.can.schema is None:
        raise target.refuse("has no structured output", "ask for JSON in the prompt")
    if ask.as_json and not target.can.json_object:
        raise target.refuse("has no JSON mode", "give a schema instead of json=True")


def plain_parameters(ask: Ask, target: Target) -> dict[str, Any]:
    """Our plain parameters under the API's names, and what it insists on."""
    named = {target.can.parameters[name]: value for name, value in ask.plain.items()}
    return {**target.can.required, **named}
