"""Changes to requests that users opt into; each shows what it changed, and none is needed for the answer.

An optimizer is given the request as it would be sent and returns another, or None to leave it alone. What
it changed is in `reply.optimizations` and in `llm.explain(prompt)`. If it raises, it is left out; if the
provider refuses the changed request (400 or 422), the plain one is sent instead.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from ..core.errors import ConfigError
from ..runtime.config.document import Place
from ..runtime.config.sources import Found
from ..runtime.options import unknown
from .capabilities import Target

log = logging.getLogger("llm_forge")


@dataclass(frozen=True, slots=True)
class Change:
    """One value that an optimizer changed: its dotted path in the request, before and after.

    None is a value that was not there, or is not there any more.
    """

    path: str
    before: Any = field(default=None, repr=False)
    after: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Optimization:
    """What one optimizer changed."""

    name: str
    changes: tuple[Change, ...]


@runtime_checkable
class Optimizer(Protocol):
    """Something that improves requests; give your own in `optimize=[...]`."""

    @property
    def name(self) -> str:
        """What it is called in `reply.optimizations`."""
        ...

    def optimize(self, request: dict[str, Any], target: Target) -> Mapping[str, Any] | None:
        """The better request, or None; `request` is a copy that may be changed in place."""
        ...


def optimized(
    request: Mapping[str, Any], target: Target, optimizers: Sequence[Optimizer]
) -> tuple[Mapping[str, Any], tuple[Optimization, ...]]:
    """The request after all optimizers, and what each of them changed."""
    done: list[Optimization] = []
    for one in optimizers:
        try:
            better = one.optimize(copy.deepcopy(dict(request)), target)
        except Exception as error:  # noqa: BLE001 - users' code; a call must not fail for an improvement
            log.warning("the optimizer %s failed and is left out: %s", one.name, type(error).__name__)
            continue
        changes = () if better is None else tuple(changed(request, better))
        if better is not None and changes:
            done.append(Optimization(one.name, changes))
            request = better
    return request, tuple(done)


def changed(before: Any, after: Any, path: str = "") -> Iterator[Change]:
    """The differences of two requests."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in [*before, *(name for name in after if name not in before)]:
            yield from changed(before.get(name), after.get(name), f"{path}.{name}".lstrip("."))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for at, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from changed(old, new, f"{path}[{at}]")
    elif before != after:
        yield Change(path, before, after)


CHARACTERS_PER_TOKEN = 4  # a cautious guess, for lengths only


@dataclass(frozen=True, slots=True)
class Seed:
    """Gives requests a seed, so that equal ones get equal answers as far as the provider can."""

    seed: int = 0
    name: str = "seed"

    def optimize(self, request: dict[str, Any], target: Target) -> Mapping[str, Any] | None:
        """The request with the seed, unless it has one or the API knows none."""
        parameter = target.can.parameters.get("seed")
        if parameter is None or parameter in request:
            return None
        return {**request, parameter: self.seed}


@dataclass(frozen=True, slots=True)
class JsonMode:
    """Switches JSON mode on where the prompt asks for JSON, which the provider then guarantees."""

    name: str = "json_mode"

    def optimize(self, request: dict[str, Any], target: Target) -> Mapping[str, Any] | None:
        """The request in JSON mode, unless it has a form, offers tools, or does not speak of JSON."""
        if not target.can.json_object or request.keys() & {"response_format", "tools"}:
            return None
        if not any("json" in text.lower() for text in _texts(request["messages"])):
            return None
        return {**request, "response_format": {"type": "json_object"}}


@dataclass(frozen=True, slots=True)
class CacheStructure:
    """Marks the static beginning of a prompt for the provider's cache, where marking is needed.

    The static part ends where `marker` stands in a text, which is removed; without one it is the
    instructions, or the tools if there are none. A part that is too short to be cached is not marked.
    """

    marker: str = "<!-- cache -->"
    name: str = "cache"

    def optimize(self, request: dict[str, Any], target: Target) -> Mapping[str, Any] | None:
        """The request with a mark, unless it has one."""
        if not target.can.cache_control or "cache_control" in repr(request):
            return None
        before = _size({name: request.get(name) for name in ("tools", "system")})
        if self._split(request, target):
            return request
        least = _least_tokens(target) * CHARACTERS_PER_TOKEN
        if before < least:
            return None
        if request.get("system"):
            request["system"] = _blocks(request["system"])
            request["system"][-1]["cache_control"] = {"type": "ephemeral"}
        else:
            request["tools"][-1] = {**request["tools"][-1], "cache_control": {"type": "ephemeral"}}
        return request

    def _split(self, request: dict[str, Any], target: Target) -> bool:
        """Divide the first text that has the marker; what stands before it is marked if it is long enough."""
        length = _size(request.get("tools"))
        for holder, key in [(request, "system"), *((one, "content") for one in request["messages"])]:
            blocks = _blocks(holder.get(key))
            for at, block in enumerate(blocks):
                static, marked, rest = str(block.get("text", "")).partition(self.marker)
                if marked:
                    long = length + len(static) >= _least_tokens(target) * CHARACTERS_PER_TOKEN
                    mark = {"cache_control": {"type": "ephemeral"}} if long else {}
                    parts = [{**block, "text": static, **mark}, {**block, "text": rest}]
                    holder[key] = [*blocks[:at], *(one for one in parts if one["text"]), *blocks[at + 1 :]]
                    return True
                length += _size(block)
        return False


def _texts(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for message in messages:
        yield from (str(block.get("text", "")) for block in _blocks(message.get("content")))


def _blocks(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [dict(block) for block in content or () if isinstance(block, Mapping)]


def _size(value: Any) -> int:
    """Characters of all texts in a value."""
    if isinstance(value, Mapping):
        return sum(map(_size, value.values()))
    if isinstance(value, (list, tuple)):
        return sum(map(_size, value))
    return len(value) if isinstance(value, str) else 0


def _least_tokens(target: Target) -> int:
    least: Mapping[str, int] = target.can.cache_control.get("min_tokens", {})
    named = [tokens for name, tokens in least.items() if target.model.startswith(name)]
    return named[0] if named else least.get("default", 0)


def _whole_number(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(f"optimizations.{name} must be a whole number")
    return value


def _switch(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"optimizations.{name} must be true or false")
    return value


_BUILT_IN: Mapping[str, Callable[[Any], Optimizer | None]] = {
    "seed": lambda value: Seed(_whole_number("seed", value)),
    "json_mode": lambda value: JsonMode() if _switch("json_mode", value) else None,
    "cache": lambda value: CacheStructure() if _switch("cache", value) else None,
}


def optimizers_of(settings: Mapping[str, Found]) -> tuple[Optimizer, ...]:
    """The optimizers that a configuration switches on; ConfigError names file and line."""
    found = [_built_in(name, one.value, one.source) for name, one in settings.items()]
    return tuple(one for one in found if one is not None)


def check_optimizations(said: Place) -> None:
    """ConfigError with file and line for what is no optimization."""
    for name, value in said.entries():
        _built_in(name, value.plain(), str(value))


def _built_in(name: str, value: Any, source: str) -> Optimizer | None:
    if name not in _BUILT_IN:
        raise ConfigError(f"{source}: {unknown(name, sorted(_BUILT_IN), 'optimization')}")
    try:
        return _BUILT_IN[name](value)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error.message}") from None
