"""What is printed of one operation."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...spec import ir
from .. import support
from ..required import required_paths
from .names import Names, pascal
from .text import Identifier, Prose, Quoted
from .types import Types
from .view import Argument, Method

_PLACES = ("query", "header", "cookie")


class Methods:
    """Plans the methods of one package."""

    def __init__(self, api: ir.Api, types: Types) -> None:
        self._api = api
        self._types = types

    def method(self, one: ir.Operation, names: Names) -> Method:
        """The method of an operation; `names` are those of its service."""
        api, types = self._api, self._types
        whole = pascal(one.name)
        name = names.exported(one.name.rpartition(".")[2])
        streams, collects = support.streams(one), not support.accumulates(one)
        only = one.result.kind == "stream"
        item = support.page_item(api, one)
        fields = tuple(self._fields(one))
        stream = (name if only else names.exported(f"{name} Stream")) if streams else None
        result = types.expression(support.whole_type(one))
        event = types.expression(one.stream.event) if streams and one.stream is not None else ""
        return Method(
            name=name,
            variable=Identifier(f"op{whole}"),
            path=tuple(self._path(one)),
            params=types.names.exported(f"{whole} Params") if fields else None,
            fields=fields,
            query=tuple((Quoted(key), Quoted(value)) for key, value in one.query),
            body=self._body(one.body),
            answer=support.answer(api, one),
            result=result,
            item=types.expression(item) if item is not None else "",
            event=event,
            collected=f"[]{event}" if collects else result,
            stream=stream,
            only_streams=only,
            doc=Prose(name, one.summary or one.description or f"{one.http_method} {one.path}"),
            stream_doc=Prose(stream, f"the stream of {name}.") if stream and not only else None,
            operation=one,
            rule=support.body_rule(api, one.body),
            styles=support.styles(api, one),
            required=tuple(sorted(set(required_paths(api, support.whole_type(one))))),
        )

    def _body(self, body: ir.Body | None) -> str:
        if body is None:
            return ""
        if body.kind == "binary":
            return "forge.Upload" if body.required else "*forge.Upload"
        return self._types.expression(body.type) if body.required else self._types.pointer(body.type)

    def _path(self, one: ir.Operation) -> Iterator[Argument]:
        names = Names()
        told = {p.name: p for p in one.parameters if p.location == "path"}
        for wire in re.findall(r"\{([^{}]+)\}", one.path):
            if wire in told:
                type_ = self._types.expression(told.pop(wire).type)
                yield Argument(names.local(wire), Quoted(wire), type_, "path")

    def _fields(self, one: ir.Operation) -> Iterator[Argument]:
        names = Names()
        for parameter in one.parameters:
            if parameter.location not in _PLACES:
                continue
            name = names.exported(parameter.name)
            make = self._types.expression if parameter.required else self._types.pointer
            doc = Prose(name, parameter.description) if parameter.description.strip() else None
            yield Argument(
                name, Quoted(parameter.name), make(parameter.type), support.PLACES[parameter.location], doc
            )
