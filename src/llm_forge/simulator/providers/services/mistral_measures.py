"""Mistral's embeddings, moderation and classification: numbers that follow from texts."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...script import Reply
from ...text import count, dice
from ..chat import part_text
from ..provider import HEX, Handler, Json, Produced, Turn
from .measures import unit_vector
from .mistral_tuned import TunedModels

_USUAL_LENGTH = 1024
_CATEGORIES = (
    "criminal", "dangerous", "financial", "hate_and_discrimination", "health", "jailbreaking", "law", "pii",
    "selfharm", "sexual", "violence_and_threats",
)  # fmt: skip
_WORDS = {
    "kill": "violence_and_threats", "bomb": "dangerous", "steal": "criminal",
    "idiot": "hate_and_discrimination", "hate": "hate_and_discrimination", "password": "pii",
    "ignore all previous": "jailbreaking",
}  # fmt: skip
_USUAL_TARGETS = {"sentiment": ["positive", "neutral", "negative"]}


class MistralMeasures:
    """The operations; `models` knows what a trained classifier tells apart."""

    def __init__(self, check_model: Callable[[str], None], models: TunedModels) -> None:
        self._check_model = check_model
        self._models = models

    def handlers(self) -> Mapping[str, Handler]:
        """Its operations."""
        return {
            "embeddings.create": self._embedded,
            "classifiers.moderate": lambda turn: self._moderated(turn, _listed(turn.body["input"])),
            "classifiers.moderate_chat": lambda turn: self._moderated(turn, _last_texts(turn.body["input"])),
            "classifiers.classify": lambda turn: self._classified(turn, _listed(turn.body["input"])),
            "classifiers.classify_chat": lambda turn: self._classified(turn, _chats(turn.body["input"])),
        }

    def _embedded(self, turn: Turn) -> Produced:
        self._check_model(turn.model)
        texts = _listed(turn.body["input"])
        length = turn.body.get("output_dimension") or _USUAL_LENGTH
        kind = turn.body.get("output_dtype") or "float"
        packed = turn.body.get("encoding_format") == "base64"
        vectors = [_typed(unit_vector(text, length), kind, packed=packed) for text in texts]
        data = [{"object": "embedding", "embedding": one, "index": at} for at, one in enumerate(vectors)]
        body = {**_head(turn), "object": "list", "data": data}
        return _counted(body, sum(count(text) for text in texts), len(texts))

    def _moderated(self, turn: Turn, texts: Sequence[str]) -> Produced:
        self._check_model(turn.model)
        body = {**_head(turn), "results": [_finding(text) for text in texts]}
        return _counted(body, sum(count(text) for text in texts), len(texts))

    def _classified(self, turn: Turn, texts: Sequence[str]) -> Produced:
        self._check_model(turn.model)
        targets = self._models.targets(turn.model) or _USUAL_TARGETS
        results = [
            {name: {"scores": _scores(name, labels, text)} for name, labels in targets.items()}
            for text in texts
        ]
        body = {**_head(turn), "results": results}
        return Produced(Reply(json=body), sum(count(text) for text in texts))


def _head(turn: Turn) -> Json:
    return {"id": turn.letters("measure", HEX, 32), "model": turn.model}


def _counted(body: Json, read: int, texts: int) -> Produced:
    usage = {
        "prompt_tokens": read,
        "completion_tokens": 0,
        "total_tokens": read,
        "prompt_audio_seconds": None,
        "prompt_tokens_details": None,
        "request_count": texts,
    }
    return Produced(Reply(json={**body, "usage": usage}), read)


def _listed(given: str | Sequence[str]) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


def _last_texts(given: Sequence[Any]) -> list[str]:
    """The last message of one conversation, or of each of several."""
    chats = given if given and isinstance(given[0], list) else [given]
    return [part_text(chat[-1].get("content")) if chat else "" for chat in chats]


def _chats(given: Any) -> list[str]:
    chats = [given] if isinstance(given, Mapping) else list(given)
    return ["\n".join(part_text(one.get("content")) for one in chat["messages"]) for chat in chats]


def _typed(values: Sequence[float], kind: str, *, packed: bool) -> list[float] | list[int] | str:
    """A vector in the numbers asked for; binary ones pack eight signs into one."""
    if kind == "float":
        return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode() if packed else list(values)
    numbers = _whole_numbers(values, kind)
    if not packed:
        return numbers
    code = "B" if kind.startswith("u") else "b"
    return base64.b64encode(struct.pack(f"{len(numbers)}{code}", *numbers)).decode()


def _whole_numbers(values: Sequence[float], kind: str) -> list[int]:
    if kind in ("int8", "uint8"):
        scaled = [round(value * 127) for value in values]
        return scaled if kind == "int8" else [value + 128 for value in scaled]
    signs = [values[at : at + 8] for at in range(0, len(values), 8)]
    packed = [sum((value > 0) << (7 - bit) for bit, value in enumerate(eight)) for eight in signs]
    return packed if kind == "ubinary" else [value - 128 for value in packed]


def _finding(text: str) -> Json:
    hits = {category for word, category in _WORDS.items() if word in text.lower()}
    scores = {name: 0.93 if name in hits else 0.000_01 for name in _CATEGORIES}
    return {"categories": {name: name in hits for name in _CATEGORIES}, "category_scores": scores}


def _scores(target: str, labels: Sequence[str], text: str) -> dict[str, float]:
    """Probabilities that follow from the text; a label that stands in it is the likeliest."""
    source = dice("classes", target, text)
    weights = [source.random() + 4 * (label.lower() in text.lower()) for label in labels]
    whole = sum(weights) or 1.0
    return {label: round(weight / whole, 6) for label, weight in zip(labels, weights, strict=True)}
