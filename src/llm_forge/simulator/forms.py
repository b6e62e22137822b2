"""Forms as they arrive: multipart/form-data (RFC 7578), read strictly, or as a query where there is no file.

Rules: `name[key]` makes an object, `name[]` and a repeated name make a list; a part with a file name is a
`FormFile`. Values stay text, as a form has no types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from .problems import Failure

_PARAMETER = re.compile(r'([\w*-]+)="?([^";]*)"?')
_PLAIN = "application/x-www-form-urlencoded"
_NESTED = re.compile(r"([^\[\]]+)\[([^\[\]]*)\]\Z")


@dataclass(frozen=True, slots=True)
class FormFile:
    """A file in a form."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class FormPart:
    """One part as it arrived; `file_name` is None for a plain field, `content_type` "" where none is said."""

    name: str
    file_name: str | None
    content_type: str
    content: bytes


def is_form(content_type: str) -> bool:
    """Whether a body of this type is a form."""
    return content_type.lower().startswith(("multipart/form-data", _PLAIN))


def parse_form(content_type: str, body: bytes) -> dict[str, Any]:
    """The fields of a form. Failure "not-json" if it is torn or has no boundary."""
    fields: dict[str, Any] = {}
    for name, value in _pairs(content_type, body):
        _put(fields, name, value)
    return fields


def _pairs(content_type: str, body: bytes) -> Iterator[tuple[str, str | FormFile]]:
    if content_type.lower().startswith(_PLAIN):
        return iter(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    return ((part.name, _value(part)) for part in form_parts(content_type, body))


def form_parts(content_type: str, body: bytes) -> list[FormPart]:
    """The parts of a form in their order. Failure "not-json" if it is torn or has no boundary."""
    boundary = dict(_PARAMETER.findall(content_type)).get("boundary")
    if not boundary:
        raise Failure("not-json", "the form has no boundary")
    first, *parts = body.split(b"--" + boundary.encode("latin-1"))
    if not parts or parts[-1].strip() != b"--" or first.strip():
        raise Failure("not-json", "the form does not end with its boundary")
    return [_part(part.removeprefix(b"\r\n").removesuffix(b"\r\n")) for part in parts[:-1]]


def _part(part: bytes) -> FormPart:
    head, separator, content = part.partition(b"\r\n\r\n")
    headers = dict(_headers(head.decode("utf-8", "replace")))
    told = dict(_PARAMETER.findall(headers.get("content-disposition", "")))
    if not separator or "name" not in told:
        raise Failure("not-json", "a part of the form has no name")
    return FormPart(told["name"], told.get("filename"), headers.get("content-type", ""), content)


def _value(part: FormPart) -> str | FormFile:
    if part.file_name is None:
        return part.content.decode("utf-8", "replace")
    return FormFile(part.file_name, part.content_type or "application/octet-stream", part.content)


def _headers(head: str) -> list[tuple[str, str]]:
    lines = (line.partition(":") for line in head.split("\r\n") if line)
    return [(name.strip().lower(), value.strip()) for name, _, value in lines]


def _put(fields: dict[str, Any], name: str, value: str | FormFile) -> None:
    nested = _NESTED.match(name)
    if nested is None:
        fields[name] = [*_listed(fields[name]), value] if name in fields else value
    elif nested[2]:
        fields.setdefault(nested[1], {})[nested[2]] = value
    else:
        fields[nested[1]] = [*_listed(fields.get(nested[1], [])), value]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
