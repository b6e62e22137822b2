"""YAML text to events, scalars by the core schema of YAML 1.2 (section 10.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from .errors import DescriptionError
from .events import Event

_WORDS: dict[str, Any] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,4000}\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_OTHER_BASE = re.compile(r"0o[0-7]{1,4000}\Z|0x[0-9a-fA-F]{1,4000}\Z")
_BEGINS_NUMBER = frozenset("+-.0123456789")
_STRING_TAG = "tag:yaml.org,2002:str"


def yaml_events(text: str, name: str) -> Iterator[Event]:
    """The events of the first document in `text`.

    Raises:
        DescriptionError: with the line of the syntax error, or for a second document.
    """
    # Some published files carry C1 controls or other characters that YAML forbids; they mean nothing.
    documents = 0
    try:
        for event in yaml.parse(_printable(text), Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise DescriptionError(
                        "a second document begins here; keep one document in a file",
                        file=name,
                        line=_line(event),
                    )
            else:
                translated = _translate(event)
                if translated is not None:
                    yield translated
    except yaml.YAMLError as error:
        raise _syntax_error(error, name) from None


def _translate(event: Any) -> Event | None:
    kind = type(event)
    if kind is yaml.ScalarEvent:
        plain = event.implicit[0] and event.tag is None
        value = scalar(event.value) if plain else event.value
        return Event("value", _line(event), value, event.anchor, event.value)
    if kind is yaml.MappingStartEvent:
        return Event("map", _line(event), None, event.anchor)
    if kind is yaml.SequenceStartEvent:
        return Event("seq", _line(event), None, event.anchor)
    if kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
        return Event("end", _line(event))
    if kind is yaml.AliasEvent:
        return Event("alias", _line(event), event.anchor)
    return None


def scalar(text: str) -> Any:
    """The value of a plain scalar: null, boolean, integer, float or the text itself."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _BEGINS_NUMBER:
        return text
    if _INTEGER.match(text):
        return int(text)
    if _OTHER_BASE.match(text):
        return int(text, 0)
    return float(text) if _FLOAT.match(text) else text


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _printable(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)


def _syntax_error(error: yaml.YAMLError, name: str) -> DescriptionError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "unreadable"
    return DescriptionError(
        f"this is neither YAML nor JSON: {problem}; correct the syntax",
        file=name,
        line=mark.line + 1 if mark is not None else 0,
    )
