"""One operation to one method of a resource, and to the type of its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ...spec import ir
from ..support import (
    PLACES,
    accumulates,
    answer,
    body_rule,
    page_item,
    streams,
    styles,
    whole_type,
)
from ..text import first_sentence, sentence
from .expressions import UNKNOWN, Array, Expression, Name
from .names import ARGUMENT_NAMES, Names, constant, snake_key
from .shapes import shape_of
from .text import Identifier, Key, Prose, literal
from .types import Types
from .view import Argument, Field, Interface, Method, Params, Streaming, Taken, WholeBody

# Methods whose streaming twin is plainly `stream`; that of any other has the method's name in front.
_PLAIN_VERBS = frozenset({"create", "complete"})


@dataclass(slots=True)
class MethodPlan:
    """Plans the method of one operation; `told` are the names of shapes."""

    api: ir.Api
    types: Types
    operation: ir.Operation
    told: Mapping[str, Identifier]
    interface: Interface | None = None

    def method(self, name: Identifier, names: Names) -> Method:
        """The method; `names` hands out the name of its streaming twin. Makes `interface`."""
        operation = self.operation
        promised = answer(self.api, operation)
        only_streams = operation.result.kind == "stream"
        summary = (
            operation.summary.strip() or first_sentence(operation.description) or f"Call {operation.name}."
        )
        whole = whole_type(operation)
        result = self._result(promised, whole)
        item = page_item(self.api, operation)
        return Method(
            name=name,
            constant=constant(name),
            path=self._path(),
            body=self._whole_body(),
            sends_fields=self._body_object() is not None,
            params=self._params(),
            answer=promised,
            result=result,
            item=None if item is None else self._expression(item, "Item"),
            streaming=self._streaming(name, names, result, only_streams=only_streams),
            only_streams=only_streams,
            deprecated=operation.deprecated,
            doc=Prose(self._description(summary)),
            summary=Prose(sentence(summary)),
            operation=operation,
            rule=body_rule(self.api, operation.body),
            styles=styles(self.api, operation),
            shape=shape_of(self.api, self.told, whole) if promised in ("object", "json") else None,
        )

    def _hint(self, what: str) -> str:
        return f"{self.operation.name.replace('.', '_')}_{what}"

    def _expression(self, found: ir.Type, what: str) -> Expression:
        return self.types.expression(found, self._hint(what))

    def _result(self, promised: str, whole: ir.Type) -> Expression:
        if promised == "empty":
            return Name("undefined")
        return UNKNOWN if promised == "binary" else self._expression(whole, "Response")

    def _description(self, summary: str) -> str:
        text = self.operation.description.strip()
        return "" if text.startswith(summary.rstrip(".")) else text

    # streams

    def _streaming(
        self, name: Identifier, names: Names, result: Expression, *, only_streams: bool
    ) -> Streaming | None:
        stream = self.operation.stream
        if stream is None or not streams(self.operation):
            return None
        event = self._expression(stream.event, "Event")
        twin = name if only_streams else names.member("stream" if name in _PLAIN_VERBS else f"{name}Stream")
        collects = not accumulates(self.operation)
        whole = Array(event) if collects else result
        return Streaming(twin, event, whole, collects, None if only_streams else self._switch(stream))

    def _switch(self, stream: ir.Stream) -> tuple[Key, Expression] | None:
        """What the plain method takes to stream, where that is a field of its body."""
        if stream.parameter is None or not isinstance(stream.value, (bool, str, int)):
            return None
        return (Key(stream.parameter), Name(literal(stream.value))) if self._body_object() else None

    # arguments

    def _path(self) -> tuple[Argument, ...]:
        names = Names(ARGUMENT_NAMES)
        found = [one for one in self.operation.parameters if one.location == "path"]
        return tuple(
            Argument(names.camel(one.name), one.name, self._expression(one.type, one.name)) for one in found
        )

    def _body_object(self) -> ir.ObjectType | None:
        """The body where it is an object whose fields are parameters of the method."""
        body = self.operation.body
        if body is None or body.kind == "binary":
            return None
        flat = self.api.resolve(body.type)
        if isinstance(flat, ir.Nullable):
            flat = self.api.resolve(flat.inner)
        return flat if isinstance(flat, ir.ObjectType) else None

    def _whole_body(self) -> WholeBody | None:
        body = self.operation.body
        if body is None or self._body_object() is not None:
            return None
        made = Name("FileInput") if body.kind == "binary" else self._expression(body.type, "Body")
        return WholeBody(made, not body.required)

    def _params(self) -> Params | None:
        """What the method takes as an object; its type becomes `interface`."""
        names = Names()
        fields = list(self._body_fields(names))
        places: dict[str, list[Taken]] = {}
        for one in self.operation.parameters:
            if one.location != "path":
                key = names.field(snake_key(one.name))
                fields.append(self._field(key, one))
                places.setdefault(PLACES[one.location], []).append(Taken(key, one.name))
        if not fields and self._body_object() is None:
            return None
        name = self.types.names.pascal(self._hint("Params"))
        doc = Prose(f"What `{self.operation.name}` takes.")
        ordered = sorted(fields, key=lambda one: not one.required)
        found = self._body_object()
        is_open = found is not None and (found.extra is not None or not ordered)
        self.interface = Interface(name, doc, tuple(ordered), is_open, readonly=False)
        optional = not any(one.required for one in fields)
        return Params(name, optional, {place: tuple(taken) for place, taken in places.items()})

    def _body_fields(self, names: Names) -> Iterator[Field]:
        found = self._body_object()
        stream = self.operation.stream
        for one in found.properties if found is not None else ():
            names.field(one.name)
            if not one.read_only and not (stream is not None and one.name == stream.parameter):
                yield self._field(one.name, one)

    def _field(self, key: str, one: ir.Property | ir.Parameter) -> Field:
        made = self._expression(one.type, one.name)
        return Field(Key(key), made, one.required, Prose(documented(one)))


def documented(one: ir.Property | ir.Parameter) -> str:
    """What is said of a field."""
    return first_sentence(one.description, 400)
