"""Prints the module of one resource: its operations, and its class for threads and for asyncio."""

from __future__ import annotations

import builtins
import textwrap
from collections.abc import Mapping

from ..support import accumulates
from . import layout
from .children import child_imports, child_property
from .expressions import NONE, Name, either, node
from .operation_writer import OPERATION_NAMES, write_operation
from .printing import head, import_order, imports, names_used, text, wrapped
from .text import Identifier, docstring
from .view import Argument, Method, ResourceClass, View

_OMIT = Name("Omit")
_RUNTIME = {
    "....core.profile": OPERATION_NAMES,
    "....core.views": ("either", "list_of", "map_of", "obj"),
    "....runtime.client": ("AsyncResource", "SyncResource"),
    "....runtime.options": ("OMIT",),
}
_ARRIVING = {"binary": ("download", "Download"), "lines": ("lines", "Lines")}
_TYPES = {
    "....runtime.download": ("AsyncDownload", "AsyncLines", "Download", "Lines"),
    "....runtime.options": ("CallOptions", "Omit"),
    "....runtime.pages": ("AsyncPaging",),
    "....runtime.stream": ("AsyncStream", "Stream"),
    "....runtime.uploads": ("FileInput",),
}


def write_resource(view: View, one: ResourceClass) -> str:
    """The source of `resources/<module>.py`."""
    operations = [line for method in one.methods for line in write_operation(method)]
    modules = {child.name: child.module for child in view.resources}
    body = [line for asynchronous in (False, True) for line in _resource(one, modules, asynchronous)]
    return text([*_top(view, one, operations, body), *operations, *body])


def _top(view: View, one: ResourceClass, operations: list[str], body: list[str]) -> list[str]:
    told, code = names_used(operations), names_used(body)
    words = told | code
    title = f"Operations `{one.path}.*` of {view.title}, and what the client knows of them."
    shadowing = any(argument.name in dir(builtins) for method in one.methods for argument in method.arguments)
    found = head(view, title, "A002 - arguments are called what the API calls them" if shadowing else "")
    typing = _typing_imports(view, one, words - {"models"} if "models" in told else words)
    standard = ["from functools import cached_property"] if one.children else []
    names = ["TYPE_CHECKING"] * bool(typing) + ["Any"] * ("Any" in words)
    standard += [f"from typing import {', '.join(sorted(names, key=import_order))}"] if names else []
    found += [*standard, *([""] if standard else []), *imports(words, _RUNTIME)]
    found += ["from .. import models"] if "models" in told else []
    found += ["", "if TYPE_CHECKING:", *typing] if typing else []
    return [*found, *([""] if operations else [])]


def _typing_imports(view: View, one: ResourceClass, words: frozenset[str]) -> list[str]:
    """Imports for annotations only, which cost nothing when the client is used."""
    standard = imports(words, {"collections.abc": ("Mapping", "Sequence")}, "    ")
    standard += imports(words, {"typing": ("Literal", "Unpack")}, "    ")
    own = imports(words, _TYPES, "    ")
    modules = [name for name in ("models", "params") if name in words]
    own += [f"    from .. import {', '.join(modules)}"] if modules else []
    own += child_imports(view, one.children, ".")
    return [*standard, *([""] if standard and own else []), *own]


def _resource(one: ResourceClass, modules: Mapping[Identifier, Identifier], asynchronous: bool) -> list[str]:
    prefix, word = ("Async", "awaited") if asynchronous else ("", "blocking")
    base = f"{prefix or 'Sync'}Resource"
    found = ["", "", f"class {prefix}{one.name}({base}):"]
    found += docstring([f"Operations `{one.path}.*`, {word}."], "    ")
    for child, name in one.children:
        found += ["", *child_property(child, f"{prefix}{name}", f".{modules[name]}", "self._client")]
    for method in one.methods:
        if not method.only_streams:
            found += ["", *_method(method, asynchronous=asynchronous)]
        if method.stream is not None:
            found += ["", *_stream(method, method.stream, asynchronous=asynchronous)]
    return found


def _method(method: Method, *, asynchronous: bool) -> list[str]:
    start, function, result = _form(method, "Async" if asynchronous else "")
    wait = "await " if start.startswith("async") else ""
    found = _signature(f"{start} {method.name}", method, result)
    found += docstring(_documentation(method), "        ")
    page = "" if method.page is None else f"models.{'Async' * asynchronous}{method.page.name}"
    return found + layout.lines(f"return {wait}", _call(function, method, page), indent="        ")


def _form(method: Method, prefix: str) -> tuple[str, str, str]:
    """How a method begins, what it calls, and what it returns; handles are opened later, so not awaited."""
    result = layout.flat(node(method.result, "resources"))
    if method.page is not None:
        page = f"models.{prefix}{method.page.name}"
        item = layout.flat(node(method.page.item, "resources"))
        return "def", "paged", f"AsyncPaging[{page}, {item}]" if prefix else page
    if method.answer in _ARRIVING:
        function, handle = _ARRIVING[method.answer]
        return "def", function, f"{prefix}{handle}" + (f"[{result}]" if method.answer == "lines" else "")
    return "async def" if prefix else "def", "call", result


def _stream(method: Method, name: Identifier, *, asynchronous: bool) -> list[str]:
    prefix = "Async" if asynchronous else ""
    event = layout.flat(node(method.event or Name("Any"), "resources"))
    result = layout.flat(node(method.stream_result, "resources"))
    found = _signature(f"def {name}", method, f"{prefix}Stream[{event}, {result}]")
    summary = method.summary.rstrip(".")
    lines = [f"{summary}, as a stream of events." if "\n" not in summary and len(summary) < 70 else summary]
    told = "the stream opens when it is entered or first read."
    lines += [
        "",
        told.capitalize() if method.only_streams else f"Arguments are those of `{method.name}`; {told}",
    ]
    found += docstring([part for line in lines for part in wrapped(line)], "        ")
    opened = "stream" if accumulates(method.operation) or method.only_streams else "stream_events"
    return found + layout.lines("return ", _call(opened, method), indent="        ")


def _signature(start: str, method: Method, result: str) -> list[str]:
    positional = [_parameter(one) for one in method.arguments if one.where == "path"]
    named = [_parameter(one) for one in method.arguments if one.where != "path"]
    stars: list[layout.Node] = ["*", *named] if named else []
    items: tuple[layout.Node, ...] = ("self", *positional, *stars, "**options: Unpack[CallOptions]")
    return layout.lines(start, layout.Group("(", items, ")"), f" -> {result}:", "    ")


def _parameter(one: Argument) -> layout.Node:
    absent = NONE if one.where == "whole-body" else _OMIT
    made = node(one.type if one.required else either([one.type, absent]), "resources")
    tail = "" if one.required else " = None" if absent is NONE else " = OMIT"
    if isinstance(made, layout.Choice):
        return layout.Labelled(f"{one.name}: ", made, tail)
    return f"{one.name}: {layout.flat(made)}{tail}"


def _documentation(method: Method) -> list[str]:
    found = method.summary.split("\n")
    if method.doc:
        found += ["", *method.doc.split("\n\n")[0].split("\n")]
    told = [one for one in method.arguments if one.doc]
    if told:
        found += ["", "Args:"]
    for one in told:
        line = f"{one.name}: {one.doc}"
        found += textwrap.wrap(
            line, 98, initial_indent="    ", subsequent_indent="        ",
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
    return found


def _call(function: str, method: Method, page: str = "") -> layout.Group:
    items: list[layout.Node] = [str(method.constant), *([page] if page else [])]
    for where in ("path", "query", "headers", "cookies", "body"):
        pairs = [f"{one.wire}: {one.name}" for one in method.arguments if one.where == where]
        if where == "query":
            pairs = [f"{key}: {value}" for key, value in method.query] + pairs
        if pairs:
            items.append(layout.Group(f"{where}={{", tuple(pairs), "}"))
    whole = [one for one in method.arguments if one.where == "whole-body"]
    items.extend(f"body={one.name}" for one in whole)
    if method.operation.body is not None and not any("body" in one.where for one in method.arguments):
        items.append("body={}")
    return layout.Group(f"self._client.{function}(", (*items, "options=options"), ")")
