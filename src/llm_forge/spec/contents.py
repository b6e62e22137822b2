"""Request bodies and responses: which of several media types, and which of several statuses."""

from __future__ import annotations

from .ir import AnyType, Body, BodyKind, FieldEncoding, ListType, ObjectType, Primitive, Result, Type
from .place import Place
from .references import References
from .schemas import Schemas, annotation
from .source import Mapping

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
    media = dict(place.child("content").entries()) if place.value else {}
    kinds = {media_kind(key): key for key in reversed(media)}
    for kind in _BODY_ORDER:
        if kind in kinds:
            key = kinds[kind]
            return Body(
                kind=kind,
                type=_body_type(schemas, kind, media[key].child("schema"), hint),
                media_type=key,
                required=place.flag("required"),
                description=annotation(place, "description"),
                encodings=_encodings(media[key]) if kind in ("multipart", "form") else (),
            )
    return None


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


def read_responses(
    references: References, schemas: Schemas, place: Place, hint: str
) -> tuple[Result, Type | None, Type | None]:
    """What success gives, the type of one streamed event, and the type of error bodies."""
    responses = dict(place.entries("responses by status (a mapping)"))
    status = _success(responses)
    error = _error(references, schemas, responses, status, hint)
    if status is None:
        return Result("empty", AnyType(), "", ""), None, error
    result, event = _result(references, schemas, references.follow(responses[status]), status, hint)
    return result, event, error


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
) -> tuple[Result, Type | None]:
    media = {key: references.follow(one) for key, one in place.child("content").entries()}
    kinds = {media_kind(key): key for key in reversed(media)}
    event = _event(schemas, media[kinds["event-stream"]], hint) if "event-stream" in kinds else None
    if "json" in kinds:
        schema = media[kinds["json"]].child("schema")
        found = schemas.read(schema, hint) if schema.value is not None else AnyType()
        kind = "json-or-stream" if event is not None else "json"
        return Result(kind, found, kinds["json"], status), event  # type: ignore[arg-type]
    if "lines" in kinds:
        line = _event(schemas, media[kinds["lines"]], hint)
        return Result("lines", line, kinds["lines"], status), None
    other = next((key for key in media if media_kind(key) != "event-stream"), None)
    if other is not None:
        return Result("binary", AnyType(), other, status), event
    if event is not None:
        return Result("stream", AnyType(), kinds["event-stream"], status), event
    return Result("empty", AnyType(), "", status), None


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
            for key, media in place.child("content").entries():
                schema = media.child("schema")
                if media_kind(key) == "json" and isinstance(schema.value, Mapping):
                    return schemas.read(schema, f"{hint}Error")
    return None
