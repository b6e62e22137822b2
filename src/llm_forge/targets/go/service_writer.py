"""Prints a service: its methods, the parameters that they take, and the tables of its operations."""

from __future__ import annotations

from .operation_writer import write_operation
from .printing import file
from .types_writer import fields
from .view import Argument, Field, Method, Service, View


def write_service(view: View, one: Service) -> str:
    """The file of a service."""
    body = [*one.doc.lines(), f"type {one.name} struct {{", "\tclient *forge.Client", *children(one), "}"]
    body += ["", *_constructor(one)]
    for method in one.methods:
        body += ["", *write_method(method, one.name)]
    return file(view, body, ["context", view.runtime])


def children(one: Service) -> list[str]:
    """The fields that hold the services below."""
    if not one.children:
        return []
    made = tuple(Field(field, f"*{type_}", None, None) for field, type_ in one.children)
    return ["", *fields(made)]


def _constructor(one: Service) -> list[str]:
    lines = [f"func new{one.name}(client *forge.Client) *{one.name} {{"]
    if not one.children:
        return [*lines, f"\treturn &{one.name}{{client: client}}", "}"]
    return [
        *lines,
        f"\tmade := &{one.name}{{client: client}}",
        *(f"\tmade.{field} = new{type_}(client)" for field, type_ in one.children),
        "\treturn made",
        "}",
    ]


def write_method(method: Method, owner: str) -> list[str]:
    """The operation, its parameters, and the methods that call it."""
    lines = [*write_operation(method)]
    if method.params is not None:
        lines += ["", *_params(method)]
    if not method.only_streams:
        lines += ["", *_function(method, owner, streams=False)]
    if method.stream is not None:
        lines += ["", *_function(method, owner, streams=True)]
    return lines


def _params(method: Method) -> list[str]:
    made = tuple(Field(one.name, one.type, None, one.doc) for one in method.fields)
    return [
        f"// {method.params} are the parameters of {method.name}; what is nil is left out.",
        f"type {method.params} struct {{",
        *fields(made),
        "}",
    ]


def _function(method: Method, owner: str, *, streams: bool) -> list[str]:
    client = "c.Client" if owner == "Client" else "s.client"
    receiver = "c *Client" if owner == "Client" else f"s *{owner}"
    name = method.stream if streams else method.name
    doc = method.stream_doc if streams and method.stream_doc is not None else method.doc
    given, call = _call(method, client, streams=streams)
    arguments = ", ".join(["ctx context.Context", *_arguments(method), "options ...forge.CallOption"])
    lines = [*doc.lines(), f"func ({receiver}) {name}({arguments}) ({given}, error) {{"]
    if method.params is not None:
        lines += ["\tif params == nil {", f"\t\tparams = &{method.params}{{}}", "\t}"]
    return [*lines, f"\treturn {call[0]}", *call[1:], "}"]


def _arguments(method: Method) -> list[str]:
    found = [f"{one.name} {one.type}" for one in method.path]
    if method.body:
        found.append(f"body {method.body}")
    if method.params is not None:
        found.append(f"params *{method.params}")
    return found


def returned(method: Method, *, streams: bool) -> str:
    """The type of what a method gives."""
    if streams:
        return f"*forge.Stream[{method.event}, {method.collected}]"
    if method.item:
        return f"*forge.PageOf[{method.item}]"
    if method.answer == "lines":
        return f"*forge.LinesOf[{method.result}]"
    return {"binary": "*forge.Download", "empty": "*forge.Answer"}.get(
        method.answer, f"*forge.Result[{method.result}]"
    )


def _call(method: Method, client: str, *, streams: bool) -> tuple[str, list[str]]:
    """What a method gives, and the call of the runtime in lines."""
    given = returned(method, streams=streams)
    functions = {
        "*forge.Stream[": f"forge.OpenStream[{method.event}, {method.collected}](ctx, {client}, ",
        "*forge.PageOf": f"forge.FirstPage[{method.item}](ctx, {client}, ",
        "*forge.LinesO": f"forge.OpenLines[{method.result}](ctx, {client}, ",
        "*forge.Downlo": f"{client}.Download(ctx, ",
        "*forge.Answer": f"{client}.Call(ctx, ",
        "*forge.Result": f"forge.Call[{method.result}](ctx, {client}, ",
    }
    start = functions[given[:13] if not given.startswith("*forge.Stream[") else "*forge.Stream["]
    pairs = _given(method)
    if not pairs:
        return given, [f"{start}{method.variable}, forge.Params{{}}, options...)"]
    return given, [f"{start}{method.variable}, forge.Params{{{', '.join(pairs)}}}, options...)"]


def _given(method: Method) -> list[str]:
    found = []
    for place, key in (("path", "Path"), ("query", "Query"), ("headers", "Headers"), ("cookies", "Cookies")):
        entries = [f"{name}: {value}" for name, value in method.query] if place == "query" else []
        entries += [_entry(one) for one in (*method.path, *method.fields) if one.where == place]
        if entries:
            found.append(f"{key}: map[string]any{{{', '.join(entries)}}}")
    return [*found, "Body: body"] if method.body else found


def _entry(one: Argument) -> str:
    value = one.name if one.where == "path" else f"params.{one.name}"
    return f"{one.wire}: {value}"
