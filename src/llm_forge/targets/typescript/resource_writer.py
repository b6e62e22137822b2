"""Prints the module of one resource: its operations, and its class."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .call_writer import CallText
from .declarations import expressions_of
from .expressions import Name, names_in, show
from .models_writer import named
from .operation_writer import write_operation
from .printing import documented, imports, module
from .text import Prose, comment, is_plain
from .view import Method, Resource, Streaming, View

_RUNTIME_TYPES = {"ApiPromise", "Download", "FileInput", "Lines", "Paging", "RequestOptions", "Stream"}


def write_resource(view: View, one: Resource) -> str:
    """The source of resources/<module>.ts."""
    operations = [write_operation(method) for method in one.methods]
    body = _class(one)
    title = f"Operations `{one.path}.*` of {view.title}, and what the client knows of them."
    return module(view, [_imports(view, one, body), *operations, body], title)


def _imports(view: View, one: Resource, body: list[str]) -> list[str]:
    made = [part for method in one.methods for part in expressions_of(method)]
    models = {name.name for part in made for name in names_in(part) if name.own}
    models |= {method.params.name for method in one.methods if method.params is not None}
    types = {word for line in _code(body) for word in re.findall(r"\w+", line)} & _RUNTIME_TYPES
    values = ["Resource", *(["defineOperation"] if one.methods else [])]
    return [
        *imports(models, "../models/index.js", types=True),
        *imports(types, "../runtime/index.js", types=True),
        *imports(values, "../runtime/index.js"),
        *_shape_imports(view, one),
        *_child_imports(view, one),
    ]


def _code(lines: list[str]) -> Iterator[str]:
    return (line for line in lines if not line.lstrip().startswith(("*", "/*")))


def _shape_imports(view: View, one: Resource) -> list[str]:
    found: dict[str, set[str]] = {}
    for method in one.methods:
        for name in named(method.shape) if method.shape else ():
            found.setdefault(f"../shapes/{view.homes[name]}.js", set()).add(name)
    return [line for source in sorted(found) for line in imports(found[source], source)]


def _child_imports(view: View, one: Resource) -> list[str]:
    modules = {child.name: f"./{child.module}.js" for child in view.resources}
    children = sorted((modules[name], name) for _, name in one.children)
    return [line for source, name in children for line in imports([name], source)]


def _class(one: Resource) -> list[str]:
    found = comment(Prose(f"Operations `{one.path}.*`."))
    found.append(f"export class {one.name} extends Resource {{")
    found += [f"  readonly {attribute} = new {name}(this.client);" for attribute, name in one.children]
    blocks = [block for method in one.methods for block in _methods(method)]
    for number, block in enumerate(blocks):
        found += [*([""] if number or one.children else []), *block]
    return [*found, "}"]


def _methods(method: Method) -> Iterator[list[str]]:
    """The method, and its twin that streams."""
    streaming = method.streaming
    doc = documented(method.summary, method.doc, _deprecation(method), indent="  ")
    if not method.only_streams:
        plain = CallText(method, *_plain(method))
        if streaming is not None and streaming.switch is not None:
            yield [*doc, *_overloads(plain, streaming)]
        else:
            yield [*doc, *plain.lines(method.name)]
    if streaming is not None:
        told = doc if method.only_streams else _twin_doc(method)
        yield [*told, *_streamed(method, streaming).lines(streaming.name)]


def _deprecation(method: Method) -> str:
    return "@deprecated The API's description says so." if method.deprecated else ""


def _twin_doc(method: Method) -> list[str]:
    same = f"The same as `{method.name}`, as a stream of events."
    return documented(method.summary, same, _deprecation(method), indent="  ")


def _plain(method: Method) -> tuple[str, str]:
    """The type that a plain method returns, and the client's method that it calls."""
    if method.answer == "binary":
        return "Download", "download"
    if method.answer == "lines":
        return f"Lines<{show(method.result)}>", "lines"
    if method.item is not None:
        arguments = f"{show(method.item)}, {show(method.result)}"
        return f"Paging<{arguments}>", f"paged<{arguments}>"
    return f"ApiPromise<{show(method.result)}>", "call"


def _streamed(method: Method, streaming: Streaming) -> CallText:
    event = show(streaming.event)
    if not streaming.collects:
        return CallText(method, f"Stream<{event}, {show(streaming.result)}>", "stream")
    listed = f"{event}[]" if isinstance(streaming.event, Name) else f"({event})[]"
    return CallText(method, f"Stream<{event}, {listed}>", "streamEvents")


def _overloads(plain: CallText, streaming: Streaming) -> list[str]:
    """The plain method that streams when its parameters say so."""
    method = plain.method
    assert streaming.switch is not None  # noqa: S101 - the caller asked
    key, value = streaming.switch
    streamed = _streamed(method, streaming)
    either = CallText(method, f"{plain.returns} | {streamed.returns}", "")
    on, off = show(value), "null | undefined"
    is_boolean = on == "true"
    plain_type = f" & {{ readonly {key}?: {'false | ' if is_boolean else ''}{off} }}"
    both_types = f" & {{ readonly {key}?: {'boolean' if is_boolean else on} | {off} }}"
    access = f"params.{key}" if is_plain(key) else f"params[{key}]"
    return [
        *plain.signature(method.name, plain_type, ";", "?"),
        *streamed.signature(method.name, f" & {{ readonly {key}: {on} }}", ";", ""),
        *either.signature(method.name, both_types, " {"),
        f"    if ({access} === {on}) {{",
        *plain.forwarded(streaming.name),
        "    }",
        *plain.body(),
        "  }",
    ]
