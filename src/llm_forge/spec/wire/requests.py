"""From arguments to the request that must arrive: OpenAPI's styles of parameters, and bodies.

Rules:
- An argument that is a list or an object is written in the style of its parameter (OpenAPI 3.1, 4.8.12.3).
- A JSON body that is an object is sent even when it is empty; any other optional body is left out.
- In a form, texts are as they are and everything else is JSON; entries of a list are fields of their own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from .. import ir
from .cases import Arguments, Content, Part, Sent
from .samples import ODD_TEXT, PLAIN_TEXT, File, Sampler

CREDENTIAL = "wire-key"
_USER = "wire:key"
_BASIC = "Basic d2lyZTprZXk="
_UNSENDABLE = re.compile(r"[\x00-\x1f\x7f]")  # in a name: every client refuses it
_FORM_KINDS = ("multipart", "form")


def credential_of(api: ir.Api) -> str | None:
    """What clients are given as their key; `user:password` where the scheme is Basic."""
    return {"none": None, "basic": _USER}.get(api.auth.kind, CREDENTIAL)


def arguments_of(api: ir.Api, operation: ir.Operation, *, full: bool) -> Arguments:
    """The arguments of a minimal or a full call."""
    groups: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "header": {}, "cookie": {}}
    for one in operation.parameters:
        if one.required or (full and not _UNSENDABLE.search(one.name)):
            ascii_only = one.location in ("header", "cookie") or not full
            sampler = Sampler(api, writing=True, full=full)
            groups[one.location][one.name] = sampler.value(one.type, PLAIN_TEXT if ascii_only else ODD_TEXT)
    return Arguments(**groups, body=_body_argument(api, operation, full=full))


def _body_argument(api: ir.Api, operation: ir.Operation, *, full: bool) -> Any:
    body = operation.body
    if body is None:
        return None
    text = ODD_TEXT if full else PLAIN_TEXT
    sampler = Sampler(api, writing=True, full=full, files=body.kind in (*_FORM_KINDS, "binary"))
    flat = _present(api, body.type)
    if isinstance(flat, ir.ObjectType) and body.kind != "binary":
        made = sampler.object(flat, text)
        parameter = operation.stream.parameter if operation.stream is not None else None
        return {name: value for name, value in made.items() if name != parameter}
    if not (body.required or full):
        return None
    return sampler.value(body.type, text)


def _present(api: ir.Api, found: ir.Type) -> ir.Type:
    flat = api.resolve(found)
    return api.resolve(flat.inner) if isinstance(flat, ir.Nullable) else flat


def request_of(api: ir.Api, operation: ir.Operation, given: Arguments, *, streaming: bool) -> Sent:
    """The request that these arguments must become."""
    by_place = {
        (one.location, one.name): (one, value)
        for one in operation.parameters
        for value in [getattr(given, one.location).get(one.name)]
        if value is not None
    }
    path = operation.path
    query = list(operation.query)
    headers = [(name.lower(), value) for name, value in api.headers]
    cookies: list[tuple[str, str]] = []
    for (location, name), (one, value) in by_place.items():
        if location == "path":
            path = path.replace("{" + name + "}", _segment(one, value))
        elif location == "query":
            query.extend(_query(one, value))
        elif location == "header":
            headers.append((name.lower(), _simple(one, value)))
        else:
            cookies.append((name, _simple(one, value)))
    _add_credential(api.auth, query, headers, cookies)
    if cookies:
        headers.append(("cookie", "; ".join(f"{name}={value}" for name, value in cookies)))
    content = _content(operation, given.body, streaming=streaming)
    return Sent(operation.http_method, path, tuple(query), tuple(headers), content)


def _add_credential(
    auth: ir.Auth,
    query: list[tuple[str, str]],
    headers: list[tuple[str, str]],
    cookies: list[tuple[str, str]],
) -> None:
    if auth.kind == "api-key":
        place = {"header": headers, "query": query, "cookie": cookies}[auth.placement]
        place.append((auth.name.lower() if auth.placement == "header" else auth.name, CREDENTIAL))
    elif auth.kind != "none":
        headers.append(("authorization", _BASIC if auth.kind == "basic" else f"Bearer {CREDENTIAL}"))


# parameters


def _query(one: ir.Parameter, value: Any) -> Iterator[tuple[str, str]]:
    """The pairs of a query parameter in the styles form, deepObject, spaceDelimited and pipeDelimited."""
    if one.encoding == "json":
        yield one.name, as_json(value)
    elif isinstance(value, dict):
        yield from _object_pairs(one, value)
    elif isinstance(value, list) and one.explode:
        yield from ((one.name, word(item)) for item in value)
    elif isinstance(value, list):
        between = {"spaceDelimited": " ", "pipeDelimited": "|"}.get(one.style, ",")
        yield one.name, between.join(map(word, value))
    else:
        yield one.name, word(value)


def _object_pairs(one: ir.Parameter, value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if one.style == "deepObject":
        yield from ((f"{one.name}[{key}]", word(item)) for key, item in value.items())
    elif one.explode:
        yield from ((key, word(item)) for key, item in value.items())
    else:
        yield one.name, word(value)


def _segment(one: ir.Parameter, value: Any) -> str:
    """The text of a parameter of a path, in the styles simple, label and matrix (RFC 6570 section 3.2)."""
    parts = [quote(as_json(value), safe="")] if one.encoding == "json" else list(_pieces(one, value))
    if one.encoding == "json" or one.style not in ("label", "matrix"):
        return ",".join(parts)
    named = one.style == "matrix" and not (one.explode and isinstance(value, dict))
    lead = f";{quote(one.name, safe='')}" if named else ";" if one.style == "matrix" else "."
    return "".join(_led(lead, part, named=named) for part in (parts if one.explode else [",".join(parts)]))


def _led(lead: str, part: str, *, named: bool) -> str:
    return f"{lead}={part}" if named and part else f"{lead}{part}"


def _pieces(one: ir.Parameter, value: Any) -> Iterator[str]:
    """Percent-encoded: what a list holds, keys and values of an object, or a value alone."""
    if isinstance(value, dict):
        between = "=" if one.explode else ","
        held = ((quote(key, safe=""), quote(word(item), safe="")) for key, item in value.items())
        yield from (f"{key}{between}{item}" for key, item in held)
    else:
        yield from (quote(word(item), safe="") for item in (value if isinstance(value, list) else [value]))


def _simple(one: ir.Parameter, value: Any) -> str:
    """The text of a parameter of a header or a cookie: the style simple."""
    if one.encoding == "json":
        return as_json(value)
    if isinstance(value, list):
        return ",".join(map(word, value))
    if isinstance(value, dict):
        between = "=" if one.explode else ","
        return ",".join(f"{key}{between}{word(item)}" for key, item in value.items())
    return word(value)


def word(value: Any) -> str:
    """A value as the text of a parameter, or as a part of one."""
    if isinstance(value, list):
        return ",".join(map(word, value))
    if isinstance(value, dict):
        return ",".join(f"{key},{word(one)}" for key, one in value.items())
    return plain(value)


def plain(value: Any) -> str:
    """A value as the text of a form's field."""
    return value if isinstance(value, str) else as_json(value)


def as_json(value: Any) -> str:
    """Compact JSON, characters beyond ASCII as they are; where half a pair is among them, as escapes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if any("\ud800" <= one <= "\udfff" for one in text):
        return json.dumps(value, separators=(",", ":"))
    return text


# bodies


def _content(operation: ir.Operation, value: Any, *, streaming: bool) -> Content:
    body, stream = operation.body, operation.stream
    if body is None or value is None:
        return Content()
    if streaming and stream is not None and stream.parameter and isinstance(value, dict):
        value = {**value, stream.parameter: stream.value}
    essence = body.media_type.partition(";")[0].strip().lower()
    if body.kind == "binary":
        return Content("bytes", "" if "*" in essence else essence, content=value.content)
    if body.kind == "json":
        return Content("json", "application/json" if essence == "*/*" else essence, json=value)
    kind = body.kind
    return Content(kind, essence, parts=tuple(_parts(body, value)))


def _parts(body: ir.Body, value: Mapping[str, Any]) -> Iterator[Part]:
    """The fields of a form; objects within `deepObject` fields become `name[key]`."""
    told = {one.name: one for one in body.encodings}
    for name, held in value.items():
        encoding = told.get(name, ir.FieldEncoding(name))
        deep = encoding.style == "deepObject"
        for written, one in _opened(name, held, deep=deep):
            if one is not None:
                yield _part(written, one, encoding.media_type if body.kind == "multipart" else "")


def _opened(name: str, held: Any, *, deep: bool) -> Iterator[tuple[str, Any]]:
    if isinstance(held, list):
        yield from ((f"{name}[]" if deep else name, one) for one in held)
    elif isinstance(held, dict) and deep:
        yield from ((f"{name}[{key}]", one) for key, one in held.items())
    else:
        yield name, held


def _part(name: str, value: Any, media_type: str) -> Part:
    if isinstance(value, File):
        return Part(name, value.content, is_file=True, media_type=media_type)
    return Part(name, plain(value).encode(), media_type=media_type)
