"""The methods of a model as functions of its name, for a few calls: `llm_forge.invoke("...", model="a/x")`.

Models are kept by name and options, so that a second call has the connections of the first; `close()` lets
go of them. `model` is a name, a list of names, or a model that you made.
"""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from .batch import BatchResult
from .messages import Prompt
from .model import LanguageModel
from .registry import get_llm
from .reply import Reply
from .stream import AsyncReplyStream, ReplyStream

Named: TypeAlias = str | Sequence[str | LanguageModel] | LanguageModel | None

_LOCK = threading.Lock()
_KEPT: dict[Any, LanguageModel] = {}


def model_of(model: Named) -> LanguageModel:
    """The model of that name, made once."""
    if isinstance(model, LanguageModel):
        return model
    key = model if isinstance(model, str) or model is None else tuple(model)
    with _LOCK:
        if key not in _KEPT:
            _KEPT[key] = get_llm(model)
        return _KEPT[key]


def close() -> None:
    """Close the models that these functions have kept."""
    with _LOCK:
        models = list(_KEPT.values())
        _KEPT.clear()
    for model in models:
        model.close()


def invoke(prompt: Prompt, *, model: Named = None, **parameters: Any) -> Reply:
    """`LanguageModel.invoke`."""
    return model_of(model).invoke(prompt, **parameters)


async def ainvoke(prompt: Prompt, *, model: Named = None, **parameters: Any) -> Reply:
    """`LanguageModel.ainvoke`."""
    return await model_of(model).ainvoke(prompt, **parameters)


def stream(prompt: Prompt, *, model: Named = None, **parameters: Any) -> ReplyStream:
    """`LanguageModel.stream`."""
    return model_of(model).stream(prompt, **parameters)


def astream(prompt: Prompt, *, model: Named = None, **parameters: Any) -> AsyncReplyStream:
    """`LanguageModel.astream`."""
    return model_of(model).astream(prompt, **parameters)


def batch(prompts: Iterable[Prompt], *, model: Named = None, **parameters: Any) -> Iterator[BatchResult]:
    """`LanguageModel.batch`."""
    return model_of(model).batch(prompts, **parameters)


def abatch(
    prompts: Iterable[Prompt] | AsyncIterable[Prompt], *, model: Named = None, **parameters: Any
) -> AsyncIterator[BatchResult]:
    """`LanguageModel.abatch`."""
    return model_of(model).abatch(prompts, **parameters)


def stream_to_file(model: Named, prompt: Prompt, path: str | os.PathLike[str], **parameters: Any) -> Reply:
    """`LanguageModel.stream_to_file`."""
    return model_of(model).stream_to_file(prompt, path, **parameters)


async def astream_to_file(
    model: Named, prompt: Prompt, path: str | os.PathLike[str], **parameters: Any
) -> Reply:
    """`LanguageModel.astream_to_file`."""
    return await model_of(model).astream_to_file(prompt, path, **parameters)
