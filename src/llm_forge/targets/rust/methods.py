"""What is printed of one operation."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...spec import ir
from .. import support
from ..required import required_paths
from .names import ARGUMENT_SCOPE, SETTER_SCOPE, Names, pascal
from .text import Doc, Identifier, Quoted
from .types import Types, presence
from .view import Argument, Field, Method, Struct

_PLACES = ("query", "header", "cookie")


class Methods:
    """Plans the methods of one crate; `params` are the structures of their parameters."""

    def __init__(self, api: ir.Api, types: Types) -> None:
        self.params: list[tuple[str, Struct]] = []
        self._api = api
        self._types = types
        self._constants = Names()

    def method(self, one: ir.Operation, names: Names) -> Method:
        """The method of an operation; `names` are those of its service."""
        api, types = self._api, self._types
        whole = pascal(one.name)
        name = names.method(one.name.rpartition(".")[2])
        streams, collects = support.streams(one), not support.accumulates(one)
        only = one.result.kind == "stream"
        item = support.page_item(api, one)
        fields = list(self._fields(one, whole))
        result = types.expression(support.whole_type(one), f"{whole} Result")
        event = types.expression(one.stream.event, f"{whole} Event") if streams and one.stream else ""
        return Method(
            name=name,
            constant=self._constants.shouting(one.name),
            path=tuple(self._path(one, whole)),
            params=self._params(one, whole, [field for field, _ in fields]),
            fields=tuple(argument for _, argument in fields),
            query=tuple((Quoted(key), Quoted(value)) for key, value in one.query),
            body=self._body(one.body, whole),
            body_required=one.body is not None and one.body.required,
            files=tuple(self._files(one.body)),
            answer=support.answer(api, one),
            result=result,
            item=types.expression(item, f"{whole} Item") if item is not None else "",
            event=event,
            collected=f"Vec<{event}>" if collects and event else result,
            stream=(name if only else names.method(f"{one.name.rpartition('.')[2]} stream"))
            if streams
            else None,
            only_streams=only,
            doc=Doc(one.summary or one.description, f"{one.http_method} {one.path}"),
            operation=one,
            rule=support.body_rule(api, one.body),
            required=tuple(sorted(set(required_paths(api, support.whole_type(one))))),
            styles=support.styles(api, one),
        )

    def _body(self, body: ir.Body | None, whole: str) -> str:
        if body is None:
            return ""
        return "Upload" if body.kind == "binary" else self._types.expression(body.type, f"{whole} Body")

    def _files(self, body: ir.Body | None) -> Iterator[Argument]:
        """The fields of a form that hold files."""
        for name, wire in self._types.file_fields(body.type) if body is not None else ():
            yield Argument(name, Quoted(wire), "Upload", "files")

    def _path(self, one: ir.Operation, whole: str) -> Iterator[Argument]:
        names = Names(ARGUMENT_SCOPE)
        told = {p.name: p for p in one.parameters if p.location == "path"}
        for wire in re.findall(r"\{([^{}]+)\}", one.path):
            if wire in told:
                type_ = self._types.expression(told.pop(wire).type, f"{whole} {pascal(wire)}")
                yield Argument(names.snake(wire), Quoted(wire), type_, "path")

    def _fields(self, one: ir.Operation, whole: str) -> Iterator[tuple[Field, Argument]]:
        names, setters = Names(), Names(SETTER_SCOPE)
        for parameter in one.parameters:
            if parameter.location in _PLACES:
                name = names.snake(parameter.name)
                inner, _ = self._types.without_null(parameter.type)
                type_ = self._types.expression(inner, f"{whole} {pascal(parameter.name)}")
                field = Field(
                    name=name,
                    wire=None,
                    type=type_,
                    presence=presence(required=parameter.required, told=parameter.required, null=False),
                    doc=Doc(parameter.description, f"The {parameter.location} parameter {parameter.name}."),
                    into=self._types.becomes(inner),
                    asked=parameter.required,
                    setter=None if parameter.required else setters.snake(parameter.name),
                )
                where = support.PLACES[parameter.location]
                yield field, Argument(name, Quoted(parameter.name), type_, where)

    def _params(self, one: ir.Operation, whole: str, fields: list[Field]) -> Identifier | None:
        if not fields:
            return None
        name = self._types.names.camel(f"{whole} Params")
        doc = Doc(f"The parameters of {one.name}; what is absent is not sent.")
        self.params.append((one.name, Struct(name, doc, tuple(fields), builds=True, json=False)))
        return name
