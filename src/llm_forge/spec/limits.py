"""Constraints of a schema, with the defects repaired that have one meaning."""

from __future__ import annotations

from .ir import NO_LIMITS, Limits
from .place import Place

_NUMBERS = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusiveMinimum": "exclusive_minimum",
    "exclusiveMaximum": "exclusive_maximum",
    "multipleOf": "multiple_of",
}
_COUNTS = {
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_items",
    "maxItems": "max_items",
    "minProperties": "min_properties",
    "maxProperties": "max_properties",
}
_WORDS = frozenset([*_NUMBERS, *_COUNTS, "pattern", "uniqueItems"])


def read_limits(place: Place) -> Limits:
    """The limits that a schema states."""
    if not _WORDS & place.value.keys():
        return NO_LIMITS
    found: dict[str, float | int] = {}
    for word, name in (_NUMBERS | _COUNTS).items():
        number = _number(place, word)
        if number is not None:
            found[name] = number
    _exclusive_flags(place, found)
    pattern = place.value.get("pattern")
    return Limits(
        **found,  # type: ignore[arg-type]  # counts are checked to be whole numbers below
        pattern=pattern if isinstance(pattern, str) else None,
        unique_items=place.flag("uniqueItems"),
    )


def _number(place: Place, word: str) -> float | int | None:
    value = place.value.get(word)
    if value is None or isinstance(value, bool):
        return None
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if not isinstance(value, (int, float)) or (word in _COUNTS and not whole):
        place.child(word).repair(f"`{word}` is not a number; ignored")
        return None
    return int(value) if word in _COUNTS else value


def _exclusive_flags(place: Place, found: dict[str, float | int]) -> None:
    """`exclusiveMinimum: true` is OpenAPI 3.0's way to say that `minimum` itself is excluded."""
    for flag, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if place.value.get(flag) is True and bound in found:
            found[_NUMBERS[flag]] = found.pop(bound)
            if not place.document.version.startswith("3.0"):
                place.child(flag).repair(
                    f"`{flag}: true` is OpenAPI 3.0; taken as `{flag}: {found[_NUMBERS[flag]]}`"
                )
