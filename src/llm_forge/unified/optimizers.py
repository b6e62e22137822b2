"""Changes to requests that users opt into; each shows what it changed, and none is needed for the answer.

An optimizer is given the request as it would be sent and returns another, or None to leave it alone. What
it changed is in `reply.optimizations` and in `llm.explain(prompt)`. If it raises, it is left out; if the
provider refuses the changed request (400 or 422), the plain one is sent instead.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

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

    name: str

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
