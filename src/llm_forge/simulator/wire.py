"""Wire cases, served: the request that a case asks for gets its answer, any other a 400 that says why.

    with Simulator(wire=[Path("wire.json")]) as sim:
        base_url = f"{sim.url}/w/messages.create.minimal"

Rules:
- A path is compared segment by segment after decoding, a query by the values of each name in their order.
- The headers of a case must be there; others may be there too. Of a Content-Type its parameters do not count.
- JSON is compared as JSON: 1 and 1.0 are equal, true and 1 are not. Text of a form may be other JSON of the
  same value. Names of files are not compared.
- The answer to a mismatch is 400, whose message is the first differences and whose `problems` are all.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from .documents import DocumentError, read_document
from .forms import FormPart, form_parts
from .problems import Failure
from .script import Reply

if TYPE_CHECKING:
    from .connection import Request

VERSION = 1
_SHOWN = 3
_LONGEST = 120
_FILE_KEY = "$base64"
_MISSING: Any = object()

Pairs = Iterable[Sequence[str]]


class WireCases:
    """The cases of some files, by their ids."""

    def __init__(self, cases: Mapping[str, Mapping[str, Any]]) -> None:
        self.cases = cases

    @classmethod
    def read(cls, files: Iterable[Path | str]) -> WireCases:
        """The cases of files that `spec.wire.to_json` wrote. DocumentError for any other, or an id twice."""
        found: dict[str, Mapping[str, Any]] = {}
        for file in files:
            for case in _cases_in(file):
                if case["id"] in found:
                    raise DocumentError(f"{file}: the case {case['id']} is in another file too")
                found[case["id"]] = case
        return cls(found)

    def reply(self, request: Request, path: str) -> Reply:
        """The answer to a request below the prefix; `path` is `/<case id>` and the path of the operation."""
        name, slash, rest = path.removeprefix("/").partition("/")
        case = self.cases.get(name)
        if case is None:
            return _refusal(404, [f"there is no wire case {name!r}"])
        problems = list(differences(case["sent"], request, slash + rest))
        return _refusal(400, problems) if problems else _answer(case["answer"])


def _cases_in(file: Path | str) -> list[Mapping[str, Any]]:
    document, place = read_document(file)
    if not isinstance(document, dict) or document.get("version") != VERSION or "cases" not in document:
        raise place.error(f"expected wire cases of version {VERSION}")
    cases: list[Mapping[str, Any]] = document["cases"]
    return cases


def _refusal(status: int, problems: list[str]) -> Reply:
    more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
    message = "wire case: " + "; ".join(problems[:_SHOWN]) + more
    return Reply(status=status, json={"error": {"message": message}, "problems": problems})


def _answer(told: Mapping[str, Any]) -> Reply:
    status = told.get("status", 200)
    headers = {"Content-Type": told["media_type"]} if told.get("media_type") else {}
    body = _bytes(told.get("body", ""))
    if told.get("cut"):
        return Reply(
            status=status, headers=headers, body=body, framing="chunked", terminate=False, end="close"
        )
    is_stream = told.get("media_type") in ("text/event-stream", "application/x-ndjson")
    return Reply(status=status, headers=headers, body=body, framing="chunked" if is_stream else None)


def _bytes(told: Any) -> bytes:
    return base64.b64decode(told[_FILE_KEY]) if isinstance(told, dict) else str(told).encode()


def differences(sent: Mapping[str, Any], request: Request, path: str) -> Iterator[str]:
    """In words, where a request is not the one that must arrive."""
    if request.method != sent["method"]:
        yield f"method: expected {sent['method']}, found {request.method}"
    if _segments(path) != _segments(sent["path"]):
        yield f"path: expected {sent['path']}, found {path}"
    yield from _pairs_differ("query", sent.get("query", ()), parse_qsl(request.query, keep_blank_values=True))
    for name, value in sent.get("headers", ()):
        yield from _header_differs(name, value, request)
    yield from _body_differs(sent.get("body", {}), request)


def _segments(path: str) -> list[list[str]]:
    """What a path says, apart where a slash or the semicolon of a matrix parameter stands."""
    return [[unquote(part) for part in segment.split(";")] for segment in path.split("/")]


def _pairs_differ(what: str, expected: Pairs, found: Pairs) -> Iterator[str]:
    wanted, given = _by_name(expected), _by_name(found)
    for name in [*wanted, *(name for name in given if name not in wanted)]:
        ours, theirs = wanted.get(name, _MISSING), given.get(name, _MISSING)
        if ours != theirs:
            yield f"{what} {name}: expected {_shown(ours)}, found {_shown(theirs)}"


def _by_name(pairs: Pairs) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _header_differs(name: str, value: str, request: Request) -> Iterator[str]:
    found = request.header(name)
    if name == "cookie":
        yield from _pairs_differ("cookie", _cookies(value), _cookies(found or ""))
    elif found != value:
        yield f"header {name}: expected {_shown(value)}, found {_shown(_MISSING if found is None else found)}"


def _cookies(text: str) -> list[tuple[str, str]]:
    pairs = (pair.strip().partition("=") for pair in text.split(";") if pair.strip())
    return [(name, unquote(value)) for name, _, value in pairs]


# bodies


def _body_differs(sent: Mapping[str, Any], request: Request) -> Iterator[str]:
    kind = sent.get("kind", "none")
    if kind == "none":
        if request.body:
            yield f"body: expected none, found {_shown(request.body)}"
        return
    yield from _media_type_differs(sent.get("media_type", ""), request)
    if kind == "json":
        yield from _json_body_differs(sent.get("json"), request.body)
    elif kind == "bytes":
        if request.body != _bytes(sent.get("content", "")):
            yield f"body: expected {_shown(_bytes(sent.get('content', '')))}, found {_shown(request.body)}"
    else:
        yield from _form_differs(kind, sent.get("parts", ()), request)


def _media_type_differs(expected: str, request: Request) -> Iterator[str]:
    found = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if expected and found != expected:
        yield f"header content-type: expected {_shown(expected)}, found {_shown(found)}"


def _json_body_differs(expected: Any, body: bytes) -> Iterator[str]:
    try:
        found = json.loads(body)
    except ValueError:
        yield f"body: expected JSON, found {_shown(body)}"
        return
    yield from json_differs("body", expected, found)


def json_differs(where: str, expected: Any, found: Any) -> Iterator[str]:
    """In words, where two JSON values differ; `_MISSING` is a field that is not there."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in dict.fromkeys([*expected, *found]):
            yield from json_differs(
                f"{where}.{name}", expected.get(name, _MISSING), found.get(name, _MISSING)
            )
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for index, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from json_differs(f"{where}[{index}]", one, other)
    elif isinstance(expected, bool) is not isinstance(found, bool) or expected != found:
        yield f"{where}: expected {_shown(expected)}, found {_shown(found)}"


def _form_differs(kind: str, expected: Sequence[Mapping[str, Any]], request: Request) -> Iterator[str]:
    try:
        found = _multipart(request) if kind == "multipart" else _urlencoded(request)
    except Failure as error:
        yield f"body: {error.subject}"
        return
    wanted = _parts_by_name((str(part["name"]), part) for part in expected)
    given = _parts_by_name((part.name, part) for part in found)
    for name in dict.fromkeys([*wanted, *given]):
        ours, theirs = wanted.get(name, []), given.get(name, [])
        if len(ours) != len(theirs):
            yield f"field {name}: expected {len(ours)} times, found {len(theirs)} times"
            continue
        for part, one in zip(ours, theirs, strict=True):
            yield from _part_differs(part, one)


def _parts_by_name(parts: Iterable[tuple[str, Any]]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for name, part in parts:
        found.setdefault(name, []).append(part)
    return found


def _multipart(request: Request) -> list[FormPart]:
    return form_parts(request.header("content-type") or "", request.body)


def _urlencoded(request: Request) -> list[FormPart]:
    pairs = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    return [FormPart(name, None, "", value.encode()) for name, value in pairs]


def _part_differs(part: Mapping[str, Any], found: FormPart) -> Iterator[str]:
    is_file = part.get("is_file", False)
    if is_file is not (found.file_name is not None):
        yield f"field {part['name']}: expected {'a file' if is_file else 'no file'}"
    content = _bytes(part.get("content", ""))
    if content != found.content and (is_file or not _same_json(content, found.content)):
        yield f"field {part['name']}: expected {_shown(content)}, found {_shown(found.content)}"
    media_type = part.get("media_type", "")
    if media_type and found.content_type.partition(";")[0].strip().lower() != media_type.lower():
        yield f"field {part['name']}: expected the type {media_type}, found {_shown(found.content_type)}"


def _same_json(one: bytes, other: bytes) -> bool:
    try:
        return not any(json_differs("", json.loads(one), json.loads(other)))
    except ValueError:
        return False


def _shown(value: Any) -> str:
    if value is _MISSING:
        return "nothing"
    text = repr(value) if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
