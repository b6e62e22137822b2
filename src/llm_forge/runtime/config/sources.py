"""The layers of options in their order, and where each value came from (R-001)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ARGUMENT = "client argument"
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Found:
    """A value and where it was found; the value may be a credential and is not shown."""

    value: Any = field(repr=False)
    source: str


Layer = Mapping[str, Found]


def arguments(options: Mapping[str, Any], source: str = ARGUMENT) -> Layer:
    """Options that somebody passed."""
    return {name: Found(value, source) for name, value in options.items()}


def resolve(*layers: Layer) -> dict[str, Found]:
    """Every option that some layer has, from the first that has it."""
    found: dict[str, Found] = {}
    for layer in reversed(layers):
        found |= layer
    return found


def values(layer: Layer) -> dict[str, Any]:
    """The values alone."""
    return {name: found.value for name, found in layer.items()}
