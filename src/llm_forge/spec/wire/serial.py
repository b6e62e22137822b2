"""A suite as JSON text."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass
from typing import Any

from .cases import Suite
from .samples import File

VERSION = 1
FILE_KEY = "$base64"


def to_json(suite: Suite) -> str:
    """The whole suite, a case a line; `version` counts changes of this form.

    Facts that equal their default are left out. Bytes of bodies are text where they are UTF-8, else, like
    files in arguments and results, `{"$base64": "..."}`.
    """
    head = {"version": VERSION, **_record(suite, without="cases")}
    lines = ",\n".join(_line(_record(case)) for case in suite.cases)
    return f'{_line(head)[:-1]},"cases":[\n{lines}\n]}}\n'


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def _record(value: Any, without: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in fields(value):
        held = getattr(value, one.name)
        if one.name != without and not _is_default(one, held):
            found[one.name] = _plain(held)
    return found


def _is_default(one: Field[Any], held: Any) -> bool:
    if one.default_factory is dict:
        return not held
    return type(held) is type(one.default) and held == one.default


def _plain(value: Any) -> Any:
    if isinstance(value, File):
        return {FILE_KEY: base64.b64encode(value.content).decode()}
    if is_dataclass(value) and not isinstance(value, type):
        return _record(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return _bytes(value) if isinstance(value, bytes) else value


def _bytes(value: bytes) -> Any:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return _plain(File(value))
