"""Request bodies and responses: which of several media types, and which of several statuses."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .ir import (
    AnyType,
    Body,
    BodyKind,
    FieldEncoding,
    ListType,
    MapType,
    ObjectType,
    Primitive,
    Result,
    TaggedUnion,
    Type,
    Union,
)
from .place import Place
from .references import References
from .schemas import Schemas, annotation
from .source import Mapping


@dataclass(frozen=True, slots=True)
class Events:
    """What a response says of its streamed form: the type of an event, and whether a line is one."""

    type: Type
    ndjson: bool = False


@dataclass(frozen=True, slots=True)
class Answers:
    """What an operation answers; `error` is the type of error bodies."""

    result: Result
    events: Events | None
    error: Type | None

    def whole(self) -> Result:
        """The result of an operation that is not streamed, whatever the response declares beside JSON."""
        return replace(self.result, kind="json") if self.result.kind == "json-or-stream" else self.result


_BODY_ORDER: tuple[BodyKind, ...] = ("json", "multipart", "form", "binary")
_LINES = frozenset(
    {"application/jsonl", "application/x-jsonl", "application/jsonlines", "application/ndjson",
     "application/x-ndjson"}
)  # fmt: skip
_BYTES = Primitive("string", "binary")
_SUCCESS_ORDER = ("200", "201", "202", "203", "206", "2XX", "2xx", "204", "205")


def media_kind(media_type: str) -> str:
    """What a media type carries: json, multipart, form, event-stream, lines or binary."""
    essence = media_type.partition(";")[0].strip().lower()
    if essence in ("application/json", "*/*") or essence.endswith("+json"):
        return "json"
    if essence == "text/event-stream":
        return "event-stream"
    if essence in _LINES:
        return "lines"
    if essence == "multipart/form-data":
        return "multipart"
    return "form" if essence == "application/x-www-form-urlencoded" else "binary"


def read_body(references: References, schemas: Schemas, place: Place, hint: str) -> Body | None:
    """The body of a request, JSON before others; None without one."""
    place = references.follow(place)
    media = _media(references, place)
    kinds = {media_kind(key): key for key in reversed(media)}
    for kind in _BODY_ORDER:
        if kind in kinds:
            key = kinds[kind]
            found = _body_type(schemas, kind, media[key].child("schema"), hint)
            if kind == "form" and not _has_fields(schemas, found):
                media[key].child("schema").note(
                    "a form without fields is sent as the text that it is given as"
                )
                kind, found = "binary", _BYTES
            return Body(
                kind=kind,
                type=found,
                media_type=key,
                required=place.flag("required"),
                description=annotation(place, "description"),
                encodings=_encodings(media[key]) if kind in ("multipart", "form") else (),
            )
    return None


def _has_fields(schemas: Schemas, found: Type) -> bool:
    """Whether the value of a form may be an object, whatever else it may be."""
    flat = schemas.flat(found)
    if isinstance(flat, Union):
        return any(_has_fields(schemas, member) for member in flat.members)
    return isinstance(flat, (AnyType, MapType, ObjectType, TaggedUnion))


def _media(references: References, place: Place) -> dict[str, Place]:
    """Media types with what is said of each; one may be a reference (OpenAPI 3.2)."""
    return {key: references.follow(one) for key, one in place.child("content").entries()}


def _body_type(schemas: Schemas, kind: BodyKind, schema: Place, hint: str) -> Type:
    if kind == "binary":
        return _BYTES
    return schemas.read(schema, hint) if schema.value is not None else AnyType()


def _encodings(media: Place) -> tuple[FieldEncoding, ...]:
    """How fields of a form are written, where the description says so."""
    found = []
    for name, told in media.child("encoding").entries("encodings by field (a mapping)"):
        style = told.text("style")
        if style not in ("", "form", "deepObject"):
            told.child("style").note(f"the style {style!r} of the field {name!r} is not written; ignored")
            style = ""
        media_type = told.text("contentType").partition(",")[0].strip()
        found.append(FieldEncoding(name, "" if "*" in media_type else media_type, style))
    return tuple(found)


def read_responses(references: References, schemas: Schemas, place: Place, hint: str) -> Answers:
    """What success gives, whole and streamed, and the type of error bodies."""
    responses = dict(place.entries("responses by status (a mapping)"))
    status = _success(responses)
    error = _error(references, schemas, responses, status, hint)
    if status is None:
        return Answers(Result("empty", AnyType(), "", ""), None, error)
    result, events = _result(references, schemas, references.follow(responses[status]), status, hint)
    return Answers(result, events, error)


def _success(responses: dict[str, Place]) -> str | None:
    known = [status for status in _SUCCESS_ORDER if status in responses]
    other = sorted(status for status in responses if status.startswith("2") and status not in known)
    ranked = [*known, *other]
    with_content = [
        status for status in ranked if responses[status].has("content") or responses[status].has("$ref")
    ]
    chosen = with_content or ranked or [status for status in ("default",) if status in responses]
    return chosen[0] if chosen else None


def _result(
    references: References, schemas: Schemas, place: Place, status: str, hint: str
) -> tuple[Result, Events | None]:
    media = _media(references, place)
    kinds = {media_kind(key): key for key in reversed(media)}
    if "json" in kinds:
        return _json_result(schemas, media, kinds, status, hint)
    events = _events(schemas, media, kinds, hint)
    other = next((key for key in media if media_kind(key) not in ("event-stream", "lines")), None)
    if events is not None and events.ndjson:
        return Result("lines", events.type, kinds["lines"], status), None
    if other is not None:
        return Result("binary", AnyType(), other, status), events
    if events is not None:
        return Result("stream", AnyType(), kinds["event-stream"], status), events
    return Result("empty", AnyType(), "", status), None


def _json_result(
    schemas: Schemas, media: dict[str, Place], kinds: dict[str, str], status: str, hint: str
) -> tuple[Result, Events | None]:
    schema = media[kinds["json"]].child("schema")
    found = schemas.read(schema, hint) if schema.value is not None else AnyType()
    events = _events(schemas, media, kinds, hint)
    return Result("json" if events is None else "json-or-stream", found, kinds["json"], status), events


def _events(schemas: Schemas, media: dict[str, Place], kinds: dict[str, str], hint: str) -> Events | None:
    """The streamed form of an answer: server-sent events, else lines of JSON."""
    for kind in ("event-stream", "lines"):
        if kind in kinds:
            return Events(_event(schemas, media[kinds[kind]], hint), ndjson=kind == "lines")
    return None


def _event(schemas: Schemas, media: Place, hint: str) -> Type:
    """The type of one event: `itemSchema` of OpenAPI 3.2, else the schema, opened to its `data`."""
    for word in ("itemSchema", "schema"):
        schema = media.child(word)
        if schema.value is not None:
            return _data(schemas, schemas.read(schema, f"{hint}Event"))
    return AnyType()


def _data(schemas: Schemas, event: Type) -> Type:
    """The JSON inside an event that is described with its framing (`event`, `data`, `id`)."""
    flat = schemas.flat(event)
    if isinstance(flat, ListType):
        return flat.item
    if isinstance(flat, ObjectType):
        names = {p.name: p.type for p in flat.properties}
        if "data" in names and names.keys() <= {"data", "event", "id", "retry"}:
            return names["data"]
    return event


def _error(
    references: References, schemas: Schemas, responses: dict[str, Place], success: str | None, hint: str
) -> Type | None:
    for status in ("4XX", "4xx", "default", "400", "422", "401", "500"):
        if status in responses and status != success:
            place = references.follow(responses[status])
            for key, media in _media(references, place).items():
                schema = media.child("schema")
                if media_kind(key) == "json" and isinstance(schema.value, Mapping):
                    return schemas.read(schema, f"{hint}Error")
    return None
