"""Parameters as text, in the styles that OpenAPI has for lists and objects (OpenAPI 3.1, 4.8.12.3).

Rules of this file:
- A value that is None or OMIT is left out, also inside an object.
- Without a style a list in a query is a pair for each entry, elsewhere its entries are joined by commas; an
  object in a query is `name[key]` pairs, elsewhere keys and values joined by commas.
- A text is taken for JSON that is ready where the style is `json`.
- In a path the parts of a value are percent-encoded, what stands between them is not (RFC 6570 section 3.2);
  `label` puts a dot in front and `matrix` a semicolon and the name, with a star for each part anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from ..core.codec import encode
from ..core.profile import ParameterStyle
from ..core.views import View
from .options import Omit

Styles = Mapping[str, ParameterStyle]
_BETWEEN: Mapping[str, str] = {"space": " ", "pipe": "|"}


def is_absent(value: Any) -> bool:
    """Whether a parameter is not to be sent."""
    return value is None or isinstance(value, Omit)


def path_segments(values: Mapping[str, Any], styles: Styles) -> dict[str, str]:
    """The parameters of a path as they stand in it; one that is absent is empty, which no path takes."""
    return {
        name: "" if is_absent(value) else _segment(name, value, styles.get(f"path.{name}"))
        for name, value in values.items()
    }


def _segment(name: str, value: Any, style: ParameterStyle | None) -> str:
    parts = _parts(value, style)
    if not parts:
        return ""
    if style == "matrix":
        return _matrix(name, ",".join(parts))
    if style == "matrix*":
        named = isinstance(value, (Mapping, View))
        return "".join(f";{part}" if named else _matrix(name, part) for part in parts)
    if style in ("label", "label*"):
        return "".join(f".{part}" for part in (parts if style == "label*" else [",".join(parts)]))
    return ",".join(parts)


def _matrix(name: str, encoded: str) -> str:
    """`;name=value`, and no equals sign where the value is empty."""
    return f";{_quoted(name)}={encoded}" if encoded else f";{_quoted(name)}"


def _parts(value: Any, style: ParameterStyle | None) -> list[str]:
    """Percent-encoded: the entries of a list, keys and values of an object, or a value alone."""
    if style == "json":
        return [_quoted(text(value, style))]
    if isinstance(value, (list, tuple)):
        return [_quoted(text(one)) for one in value]
    if isinstance(value, (Mapping, View)):
        inner = "=" if style in ("pairs", "label*", "matrix*") else ","
        return [f"{_quoted(key)}{inner}{_quoted(text(one))}" for key, one in _fields(value)]
    return [_quoted(text(value))]


def _quoted(word: str) -> str:
    return quote(word, safe="")


def texts(place: str, values: Mapping[str, Any], styles: Styles) -> dict[str, str]:
    """The parameters of headers or of cookies; `styles` are by `place.name`."""
    return {
        name: text(value, styles.get(f"{place}.{name}"))
        for name, value in values.items()
        if not is_absent(value)
    }


def pairs(values: Mapping[str, Any], styles: Styles) -> list[tuple[str, str]]:
    """The names and values of a query."""
    return [
        pair
        for name, value in values.items()
        if not is_absent(value)
        for pair in _pairs(name, value, styles.get(f"query.{name}"))
    ]


def _pairs(name: str, value: Any, style: ParameterStyle | None) -> Iterator[tuple[str, str]]:
    if isinstance(value, (Mapping, View)) and style in (None, "fields"):
        for key, one in _fields(value):
            yield key if style == "fields" else f"{name}[{key}]", text(one)
    elif isinstance(value, (list, tuple)) and style in (None, "fields"):
        yield from ((name, text(one)) for one in value)
    else:
        yield name, text(value, style)


def _fields(value: Mapping[str, Any] | View) -> Iterator[tuple[str, Any]]:
    held: dict[str, Any] = dict(value)
    yield from ((key, one) for key, one in held.items() if not is_absent(one))


def text(value: Any, style: ParameterStyle | None = None) -> str:
    """One parameter as a single text."""
    if isinstance(value, str):
        return value
    if style == "json":
        return encode(value).decode()
    if isinstance(value, (list, tuple)):
        return _BETWEEN.get(style or "", ",").join(map(text, value))
    if isinstance(value, (Mapping, View)):
        return _object(value, style)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _object(value: Mapping[str, Any] | View, style: ParameterStyle | None) -> str:
    inner = "=" if style == "pairs" else ","
    return ",".join(f"{key}{inner}{text(one)}" for key, one in _fields(value))
