"""Paths of a description to operations.

Two keys that differ only by `?beta=true` or `#stream` are two operations: the query stays part of
the request, the fragment only tells them apart. Nothing is dropped without a `Skipped` entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import get_args
from urllib.parse import parse_qsl

from . import forge
from .contents import read_body, read_responses
from .ir import Location, Operation, Parameter, Primitive, Skipped
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


@dataclass(slots=True)
class Operations:
    """Reads the operations of one description; `headers` are lower-case names sent on every request."""

    references: References
    schemas: Schemas
    headers: frozenset[str] = frozenset()
    skipped: list[Skipped] = field(default_factory=list)

    def read(self, paths: Place) -> list[tuple[Operation, bool, Place]]:
        """Every operation, whether its name was given by x-forge, and its place."""
        found: list[tuple[Operation, bool, Place]] = []
        for key, item in paths.entries("paths (a mapping)"):
            if not key.startswith("x-"):
                found.extend(self._item(key, item))
        return found

    def _item(self, key: str, item: Place) -> Iterator[tuple[Operation, bool, Place]]:
        if is_reference(item.value):
            item = self.references.follow(item)
        for method, place in _methods(item):
            if not isinstance(place.value, Mapping):
                reason = f"its definition is {place.kind()}, not a mapping"
                self.skipped.append(Skipped(method.upper(), key, reason))
                place.note(f"{method.upper()} {key} is left out: {reason}")
                continue
            yield self._operation(method.upper(), key, item, place)

    def _operation(self, method: str, key: str, item: Place, place: Place) -> tuple[Operation, bool, Place]:
        told = place.child("x-forge")
        forge.check_keys(told, forge.OPERATION_KEYS)
        given = forge.method_path(told) if told.value else None
        path, query = split_path(key)
        name = given or default_name(place, method, path, key)
        hint = pascal(name)
        body = read_body(self.references, self.schemas, place.child("requestBody"), f"{hint}Request")
        result, event, error = read_responses(
            self.references, self.schemas, place.child("responses"), f"{hint}Response"
        )
        stream = read_stream(self.schemas, told.child("stream"), place, body, result, event)
        parameters = self._parameters(item, place, path, hint)
        operation = Operation(
            name=name,
            http_method=method,
            path=path,
            parameters=parameters,
            body=body,
            result=result,
            stream=stream,
            error=error,
            query=query,
            replay=_replay(told, method),
            group=(told.text("group") if told.value else "") or name.split(".")[0],
            summary=annotation(place, "summary"),
            description=annotation(place, "description"),
            deprecated=place.flag("deprecated"),
            pagination=read_pagination(told.child("pagination"), parameters, body, self.schemas),
            operation_id=annotation(place, "operationId"),
        )
        return operation, given is not None, place

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
            place.note("nothing where a parameter belongs; ignored")
            return None
        name, location = place.text("name"), place.text("in")
        if not name:
            raise place.error("a parameter without a name; add `name`")
        if location not in get_args(Location):
            place.note(f"the {location or 'unplaced'} parameter {name!r} is not sent; use extra_headers")
            return None
        if location == "header" and name.lower() in self.headers | _OWN_HEADERS:
            return None
        return self._read_parameter(place, name, location, hint + pascal(name))

    def _read_parameter(self, place: Place, name: str, location: str, hint: str) -> Parameter:
        schema, encoding = place.child("schema"), "plain"
        for _, media in place.child("content").entries():
            schema, encoding = media.child("schema"), "json"
            break
        style = place.text("style") or ("form" if location == "query" else "simple")
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
            place.note(f"path parameter {name!r} is not declared; taken as required text")
        assumed = Parameter(name, "path", Primitive("string"), required=True)
        ordered.append(declared.pop(name, assumed))
    for name in declared:
        place.note(f"path parameter {name!r} does not occur in {path}; ignored")
    return (*ordered, *(p for p in found if p.location != "path"))


def _replay(told: Place, method: str) -> str:
    given = forge.choice(told, "replay") if told.value else None
    return given or ("safe" if method in ("GET", "HEAD") else "once")
