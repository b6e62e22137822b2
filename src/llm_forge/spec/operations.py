"""Paths of a description to operations.

Two keys that differ only by `?beta=true` or `#stream` are two operations: the query stays part of
the request, the fragment only tells them apart. Nothing is dropped without a `Skipped` entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import get_args
from urllib.parse import parse_qsl

from . import forge
from .contents import read_body, read_responses
from .errors import shown
from .ir import Location, Operation, Parameter, Primitive, Skipped, Stream
from .merge import merged
from .method_names import default_name
from .pagination import read_pagination
from .place import Place
from .references import References, is_reference
from .schemas import Schemas, annotation, first_example
from .source import Mapping
from .streams import read_stream
from .words import pascal

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
_TEMPLATE = re.compile(r"\{([^{}]*)\}")
# Headers that the client itself sends (R-020, OpenAPI 3.1 section 4.8.12.1).
_OWN_HEADERS = frozenset({"authorization", "content-type", "accept"})
_KEY_HEADERS = frozenset({"idempotency-key", "x-idempotency-key"})


@dataclass(slots=True)
class Operations:
    """Reads the operations of one description; `headers` are lower-case names sent on every request."""

    references: References
    schemas: Schemas
    headers: frozenset[str] = frozenset()
    skipped: list[Skipped] = field(default_factory=list)

    idempotency_header: str | None = None

    def read(self, paths: Place) -> list[tuple[Operation, bool, Place]]:
        """Every operation, whether its name was given by x-forge, and its place.

        Raises:
            DescriptionError: `paths` is no mapping, so that there is nothing to read.
        """
        if paths.value is not None and not isinstance(paths.value, Mapping):
            raise paths.wrong("paths (a mapping)")
        found: list[tuple[Operation, bool, Place]] = []
        for key, item in paths.entries():
            if not key.startswith("x-"):
                found.extend(self._item(key, item))
        return found

    def _item(self, key: str, item: Place) -> Iterator[tuple[Operation, bool, Place]]:
        item = self._path_item(item)
        for method, place in _methods(item):
            if self._is_operation(method, key, place):
                yield self._operation(method.upper(), key, item, place)

    def _path_item(self, item: Place) -> Place:
        """The path item that a reference leads to, with what stands beside the reference laid over it."""
        if not is_reference(item.value):
            return item
        referred = self.references.follow(item)
        if not isinstance(referred.value, Mapping):
            return item
        return referred if len(item.value) == 1 else replace(referred, value=merged(referred.value, item))

    def _is_operation(self, method: str, key: str, place: Place) -> bool:
        if isinstance(place.value, Mapping):
            return True
        if place.value is None:
            place.repair(f"{method.upper()} {key} says nothing; taken as one without parameters and answer")
            return True
        reason = f"its definition is {place.kind()}, not a mapping"
        self.skipped.append(Skipped(method.upper(), key, reason))
        place.note(f"{method.upper()} {key} is left out: {reason}")
        return False

    def _operation(self, method: str, key: str, item: Place, place: Place) -> tuple[Operation, bool, Place]:
        told = place.child("x-forge")
        forge.check_keys(told, forge.OPERATION_KEYS)
        given = forge.method_path(told) if told.value else None
        path, query = split_path(key)
        name = given or default_name(place, method, path, key)
        hint = pascal(name)
        body = read_body(self.references, self.schemas, place.child("requestBody"), f"{hint}Request")
        answers = read_responses(self.references, self.schemas, place.child("responses"), f"{hint}Response")
        stream = read_stream(self.schemas, told.child("stream"), place, body, answers)
        parameters = self._parameters(item, place, path, hint)
        replay = self._replay(told, method, parameters)
        operation = Operation(
            name=name,
            http_method=method,
            path=path,
            parameters=self._sent(parameters, replay),
            body=body,
            result=answers.result if stream is not None else answers.whole(),
            stream=stream,
            error=answers.error,
            query=query,
            replay=replay,
            group=(told.text("group") if told.value else "") or name.split(".")[0],
            summary=annotation(place, "summary"),
            description=annotation(place, "description"),
            deprecated=place.flag("deprecated"),
            pagination=read_pagination(told.child("pagination"), parameters, body, self.schemas),
            operation_id=annotation(place, "operationId"),
            key=key,
            guessed=_guessed(told, stream),
            file=place.file,
            line=place.line,
            pointer=place.pointer,
        )
        return operation, given is not None, place

    def _replay(self, told: Place, method: str, parameters: tuple[Parameter, ...]) -> str:
        """As given; else safe methods (RFC 9110 section 9.2.1) are, a parameter for a key makes it keyed."""
        given = forge.choice(told, "replay") if told.value else None
        if given or method in ("GET", "HEAD"):
            return given or "safe"
        keys = [one.name for one in parameters if _is_key(one)]
        if keys and self.idempotency_header is None:
            self.idempotency_header = keys[0]
        return "keyed" if keys else "once"

    def _sent(self, parameters: tuple[Parameter, ...], replay: str) -> tuple[Parameter, ...]:
        """The parameters without the key that the client makes itself."""
        return tuple(one for one in parameters if replay != "keyed" or not _is_key(one))

    def _parameters(self, item: Place, place: Place, path: str, hint: str) -> tuple[Parameter, ...]:
        found: dict[tuple[str, str], Parameter] = {}
        for source in (item.child("parameters"), place.child("parameters")):
            for one in source.items():
                parameter = self._parameter(self.references.follow(one), hint)
                if parameter is not None:
                    found[parameter.location, parameter.name] = parameter
        return _match_template(path, list(found.values()), place)

    def _parameter(self, place: Place, hint: str) -> Parameter | None:
        if place.value is None:
            place.repair("nothing where a parameter belongs; ignored")
            return None
        name, location = place.text("name"), place.text("in")
        if not name:
            place.repair("a parameter without a name; ignored")
            return None
        if location not in get_args(Location):
            place.note(f"the {location or 'unplaced'} parameter {name!r} is not sent")
            return None
        if location == "header" and name.lower() in self.headers | _OWN_HEADERS:
            return None
        return self._read_parameter(place, name, location, hint + pascal(name))

    def _read_parameter(self, place: Place, name: str, location: str, hint: str) -> Parameter:
        schema, encoding = place.child("schema"), "plain"
        for _, media in place.child("content").entries():
            schema, encoding = media.child("schema"), "json"
            break
        style = _style(place, location)
        explode = place.child("explode").value
        return Parameter(
            name=name,
            location=location,  # type: ignore[arg-type]  # checked by the caller
            type=self.schemas.read(schema, hint) if schema.value is not None else Primitive("string"),
            required=location == "path" or place.flag("required"),
            description=annotation(place, "description") or annotation(schema, "description"),
            style=style,
            explode=explode if isinstance(explode, bool) else style == "form",
            encoding=encoding,  # type: ignore[arg-type]  # one of the two texts above
            deprecated=place.flag("deprecated"),
            example=self._example(place, schema),
        )

    def _example(self, place: Place, schema: Place) -> object:
        found = first_example(place)
        return found if found is not None else self.schemas.example(schema)


_STYLES = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("simple", "form", "cookie"),
}


def _style(place: Place, location: str) -> str:
    """The style of a parameter, the usual one of its place where it has none that fits."""
    usual, *_ = _STYLES[location]
    told = place.text("style") or usual
    if told in _STYLES[location]:
        return told
    place.child("style").repair(f"{shown(told)} is no style of a {location} parameter; taken as {usual!r}")
    return usual


def _methods(item: Place) -> Iterator[tuple[str, Place]]:
    for method, place in item.entries("a path item (a mapping)"):
        if method.lower() in METHODS:
            yield method, place
    for method, place in item.child("additionalOperations").entries():
        yield method, place


def split_path(key: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The path and the fixed query pairs of a path key."""
    path, _, query = key.partition("#")[0].partition("?")
    return path, tuple(parse_qsl(query, keep_blank_values=True))


def _match_template(path: str, found: list[Parameter], place: Place) -> tuple[Parameter, ...]:
    """Path parameters in the order of the path's template, then the others."""
    declared = {p.name: p for p in found if p.location == "path"}
    ordered: list[Parameter] = []
    for name in dict.fromkeys(_TEMPLATE.findall(path)):
        if name not in declared:
            place.repair(f"path parameter {name!r} is not declared; taken as required text")
        assumed = Parameter(name, "path", Primitive("string"), required=True)
        ordered.append(declared.pop(name, assumed))
    for name in declared:
        place.repair(f"path parameter {name!r} does not occur in {path}; ignored")
    return (*ordered, *(p for p in found if p.location != "path"))


def _is_key(parameter: Parameter) -> bool:
    return parameter.location == "header" and parameter.name.lower() in _KEY_HEADERS


def _guessed(told: Place, stream: Stream | None) -> tuple[str, ...]:
    """Which facts of an operation x-forge does not tell."""
    of_stream = told.child("stream")
    missing = {
        "name": not told.has("method"),
        "replay": not told.has("replay"),
        "stream": stream is not None and not of_stream.has("family"),
    }
    return tuple(fact for fact, is_missing in missing.items() if is_missing)
