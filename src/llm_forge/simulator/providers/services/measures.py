"""Embeddings and moderation: numbers that follow from texts."""

from __future__ import annotations

import base64
import hashlib
import math
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ...script import Reply
from ...text import count, dice
from ..provider import ALNUM, Handler, Json, Produced, Turn

_USUAL_LENGTH = 1536
_CATEGORIES = (
    "harassment", "harassment/threatening", "sexual", "hate", "hate/threatening", "illicit",
    "illicit/violent",
    "self-harm/intent", "self-harm/instructions", "self-harm", "sexual/minors", "violence",
    "violence/graphic",
)  # fmt: skip
_WORDS = {"kill": "violence", "bomb": "illicit/violent", "idiot": "harassment", "hate": "hate"}
_WITH_IMAGES = frozenset(
    {"sexual", "self-harm", "self-harm/intent", "self-harm/instructions", "violence", "violence/graphic"}
)


class Measures:
    """The two operations; `whole` writes an answer in the provider's layout."""

    def __init__(self, whole: Callable[[Any], Reply], check_model: Callable[[str], None]) -> None:
        self._whole = whole
        self._check_model = check_model

    def handlers(self) -> Mapping[str, Handler]:
        """Its operations."""
        return {"embeddings.create": self._embedded, "moderations.create": self._moderated}

    def _embedded(self, turn: Turn) -> Produced:
        self._check_model(turn.model)
        inputs = _inputs(turn.body["input"])
        length = turn.body.get("dimensions") or _USUAL_LENGTH
        packed = turn.body.get("encoding_format") == "base64"
        data = [
            {"object": "embedding", "index": index, "embedding": _vector(one, length, packed=packed)}
            for index, one in enumerate(inputs)
        ]
        used = sum(len(one) if isinstance(one, list) else count(one) for one in inputs)
        usage = {"prompt_tokens": used, "total_tokens": used}
        body = {"object": "list", "data": data, "model": turn.model, "usage": usage}
        return Produced(self._whole(body), used)

    def _moderated(self, turn: Turn) -> Produced:
        model = turn.model or "omni-moderation-latest"
        self._check_model(model)
        results = [_finding(text, images=images) for text, images in _posts(turn.body["input"])]
        identifier = "modr-" + turn.letters("moderation", ALNUM, 29)
        return Produced(self._whole({"id": identifier, "model": model, "results": results}))


def _inputs(given: Any) -> Sequence[Any]:
    """Texts, or lists of token ids."""
    if isinstance(given, str) or (given and isinstance(given[0], int)):
        return [given]
    return list(given)


def unit_vector(text: Any, length: int) -> list[float]:
    """A vector of length one that depends on the text only."""
    source = dice("embedding", hashlib.sha256(repr(text).encode()).hexdigest())
    raw = [source.gauss(0, 1) for _ in range(length)]
    size = math.sqrt(sum(value * value for value in raw)) or 1.0
    return [round(value / size, 8) for value in raw]


def _vector(text: Any, length: int, *, packed: bool) -> list[float] | str:
    """A vector as numbers, or as base64 of 32-bit floats."""
    values = unit_vector(text, length)
    return base64.b64encode(struct.pack(f"<{length}f", *values)).decode() if packed else values


def _posts(given: Any) -> Iterator[tuple[str, bool]]:
    """Each post as its text, and whether it has an image."""
    parts: list[Any] = [given] if isinstance(given, str) else list(given)
    if parts and isinstance(parts[0], Mapping):
        text = " ".join(str(part.get("text", "")) for part in parts)
        yield text, any(part.get("type") == "image_url" for part in parts)
    else:
        yield from ((str(part), False) for part in parts)


def _finding(text: str, *, images: bool) -> Json:
    hits = {category for word, category in _WORDS.items() if word in text.lower()}
    scores = {name: 0.93 if name in hits else 0.000_01 for name in _CATEGORIES}
    kinds = {name: ["text", "image"] if images and name in _WITH_IMAGES else ["text"] for name in _CATEGORIES}
    return {
        "flagged": bool(hits),
        "categories": {name: name in hits for name in _CATEGORIES},
        "category_scores": scores,
        "category_applied_input_types": kinds,
    }
