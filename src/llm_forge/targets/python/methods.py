"""One operation to one method of a resource."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...spec import ir
from ..support import (
    PLACES,
    Answer,
    accumulates,
    answer,
    body_rule,
    streams,
    styles,
    whole_type,
)
from ..text import first_sentence, sentence
from .expressions import ANY, NONE, Expression, Name, Subscript
from .names import ARGUMENT_SCOPE, Names, constant
from .text import Identifier, Prose, Quoted
from .types import Side, is_name
from .view import Argument, Method, PageClass

_LOCAL = re.compile(r"\bobj\((\w+)\)|\b(to_\w+)")
# Methods whose streaming twin is plainly `stream`; that of any other has the method's name in front.
_PLAIN_VERBS = frozenset({"create", "complete"})


@dataclass(slots=True)
class MethodPlan:
    """Plans the method of one operation."""

    api: ir.Api
    models: Side
    params: Side
    operation: ir.Operation
    page: PageClass | None = None

    def method(self, name: Identifier, names: Names) -> Method:
        """The method; `names` hands out the name of its streaming twin."""
        operation = self.operation
        promised = answer(self.api, operation)
        event = operation.stream.event if operation.stream and streams(operation) else None
        twin = None
        only_streams = operation.result.kind == "stream"
        if event is not None and not only_streams:
            twin = names.snake("stream" if name in _PLAIN_VERBS else f"{name}_stream")
        whole = whole_type(operation)
        result = self._result(promised, whole)
        summary = (
            operation.summary.strip() or first_sentence(operation.description) or f"Call {operation.name}."
        )
        return Method(
            name=name,
            constant=constant(operation.name),
            arguments=self._arguments(),
            query=tuple((Quoted(key), Quoted(value)) for key, value in operation.query),
            answer=promised,
            result=result,
            event=None if event is None else self._expression(event, "Event"),
            stream=name if only_streams else twin,
            stream_result=result if event is None or accumulates(operation) else self._collected(event),
            only_streams=only_streams,
            summary=Prose(sentence(summary), 96),
            doc=Prose(self._description(summary)),
            operation=operation,
            body=body_rule(self.api, operation.body),
            styles=styles(self.api, operation),
            page=self.page,
            convert=self._convert(whole, always_object=promised == "object"),
            event_convert="" if event is None else self._convert(event, always_object=True),
        )

    def _collected(self, event: ir.Type) -> Expression:
        """The list of its events, by a name of its own: `list` may be a method of the resource."""
        one = self._expression(event, "Event")
        name = one.name if isinstance(one, Name) else "Event"
        return self.models.alias(Subscript("list", (one,)), f"{name}_List")

    def _result(self, promised: Answer, whole: ir.Type) -> Expression:
        if promised == "empty":
            return NONE
        return ANY if promised == "binary" else self._expression(whole, "Response")

    def _description(self, summary: str) -> str:
        text = self.operation.description.strip()
        return "" if text.startswith(summary.rstrip(".")) else text

    def _expression(self, found: ir.Type, what: str) -> Expression:
        made = self.models.expression(found)
        if is_name(made):
            return made
        return self.models.alias(made, f"{self.operation.name.replace('.', '_')}_{what}")

    def _convert(self, found: ir.Type, *, always_object: bool) -> str:
        """The source of the converter, beside the method; one that gets objects only is a class."""
        source = self.models.converter(found) or "either()"
        whole = re.fullmatch(r"obj\((\w+)\)", source) if always_object else None
        if whole:
            return f"models.{whole.group(1)}"
        return _LOCAL.sub(lambda m: f"obj(models.{m[1]})" if m[1] else f"models.{m[2]}", source)

    # arguments

    def _arguments(self) -> tuple[Argument, ...]:
        names = Names(ARGUMENT_SCOPE)
        found = [self._parameter(one, names) for one in self.operation.parameters]
        found.extend(self._body(names))
        positional = [one for one in found if one.where == "path"]
        rest = [one for one in found if one.where != "path"]
        return (
            *positional,
            *(one for one in rest if one.required),
            *(one for one in rest if not one.required),
        )

    def _parameter(self, one: ir.Parameter, names: Names) -> Argument:
        name = names.snake(one.name)
        hint = f"{self.operation.name.replace('.', '_')}_{one.name}"
        found = self.params.expression(one.type, hint)
        doc = Prose(first_sentence(one.description), 10_000)
        return Argument(name, Quoted(one.name), found, one.required, PLACES[one.location], doc)

    def _body(self, names: Names) -> list[Argument]:
        body = self.operation.body
        if body is None:
            return []
        flat = self.api.resolve(body.type)
        if isinstance(flat, ir.Nullable):
            flat = self.api.resolve(flat.inner)
        if isinstance(flat, ir.ObjectType) and body.kind != "binary":
            return [self._field(one, names) for one in flat.properties if self._is_argument(one)]
        made = self.params.expression(body.type, f"{self.operation.name.replace('.', '_')}_body")
        whole = Subscript("Mapping", (Name("str"), ANY)) if made == ANY else made
        doc = Prose(first_sentence(body.description), 10_000)
        return [Argument(names.snake("body"), Quoted("body"), whole, body.required, "whole-body", doc)]

    def _is_argument(self, one: ir.Property) -> bool:
        stream = self.operation.stream
        return not one.read_only and not (stream is not None and one.name == stream.parameter)

    def _field(self, one: ir.Property, names: Names) -> Argument:
        name = names.snake(one.name)
        hint = f"{self.operation.name.replace('.', '_')}_{one.name}"
        found = self.params.expression(one.type, hint)
        doc = Prose(first_sentence(one.description), 10_000)
        return Argument(name, Quoted(one.name), found, one.required, "body", doc)
