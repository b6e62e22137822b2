"""Prints client.py: resources and clients, each for threads and for asyncio."""

from __future__ import annotations

import builtins
import textwrap

from . import layout
from .expressions import NONE, Name, either, node
from .printing import head, imports, names_used, text, wrapped
from .support import accumulates
from .text import Identifier, docstring
from .view import Argument, Method, ResourceClass, View

_OMIT = Name("Omit")


def write_client(view: View) -> str:
    """The source of client.py."""
    body: list[str] = []
    for resource in view.resources:
        body.extend(_resource(resource, asynchronous=False))
        body.extend(_resource(resource, asynchronous=True))
    body.extend(_client(view, asynchronous=False))
    body.extend(_client(view, asynchronous=True))
    return text([*_top(view, body), *body])


def _top(view: View, body: list[str]) -> list[str]:
    words = names_used(body)
    title = f"The clients of {view.title}, blocking and asyncio."
    arguments = {one.name for resource in view.resources for m in resource.methods for one in m.arguments}
    shadowing = not arguments.isdisjoint(dir(builtins))
    found = head(view, title, "A002 - arguments are called what the API calls them" if shadowing else "")
    modules = [] if not view.resources else ["models", "profile"] if view.models.pages else ["profile"]
    typing = _typing_imports(words - set(modules))
    standard = imports(words, {"functools": ("cached_property",)})
    standard += ["from typing import TYPE_CHECKING"] if typing else []
    found += [*standard, *([""] if standard else []), *imports(words, _RUNTIME)]
    found += [f"from . import {', '.join(modules)}"] if modules else []
    found += ["from .profile import PROFILE"]
    return found + (["", "if TYPE_CHECKING:", *typing] if typing else [])


def _typing_imports(words: frozenset[str]) -> list[str]:
    """Imports for annotations only, which cost nothing when the client is used."""
    standard = imports(words, {"collections.abc": ("Mapping", "Sequence")}, "    ")
    standard += imports(words, {"typing": ("Any", "Literal", "Unpack")}, "    ")
    own = imports(words, _TYPES, "    ")
    modules = [name for name in ("models", "params") if name in words]
    own += [f"    from . import {', '.join(modules)}"] if modules else []
    return [*standard, *([""] if standard and own else []), *own]


_RUNTIME = {
    "...runtime.client": ("AsyncClient", "AsyncResource", "SyncClient", "SyncResource"),
    "...runtime.options": ("OMIT",),
}
_ARRIVING = {"binary": ("download", "Download"), "lines": ("lines", "Lines")}
_TYPES = {
    "...runtime.download": ("AsyncDownload", "AsyncLines", "Download", "Lines"),
    "...runtime.options": ("CallOptions", "Omit"),
    "...runtime.pages": ("AsyncPaging",),
    "...runtime.stream": ("AsyncStream", "Stream"),
    "...runtime.uploads": ("FileInput",),
}


def _resource(one: ResourceClass, *, asynchronous: bool) -> list[str]:
    prefix, word = ("Async", "awaited") if asynchronous else ("", "blocking")
    base = f"{prefix or 'Sync'}Resource"
    found = ["", "", f"class {prefix}{one.name}({base}):"]
    found += docstring([f"Operations `{one.path}.*`, {word}."], "    ")
    for child, class_name in one.children:
        found += ["", *_child(child, f"{prefix}{class_name}", "self._client")]
    for method in one.methods:
        if not method.only_streams:
            found += ["", *_method(method, asynchronous=asynchronous)]
        if method.stream is not None:
            found += ["", *_stream(method, method.stream, asynchronous=asynchronous)]
    return found


def _child(name: str, class_name: str, client: str) -> list[str]:
    return [
        "    @cached_property",
        f"    def {name}(self) -> {class_name}:",
        f'        """Operations of `{name}`."""',
        f"        return {class_name}({client})",
    ]


def _method(method: Method, *, asynchronous: bool) -> list[str]:
    start, function, result = _form(method, "Async" if asynchronous else "")
    wait = "await " if start.startswith("async") else ""
    found = _signature(f"{start} {method.name}", method, result)
    found += docstring(_documentation(method), "        ")
    page = "" if method.page is None else f"models.{'Async' * asynchronous}{method.page.name}"
    return found + layout.lines(f"return {wait}", _call(function, method, page), indent="        ")


def _form(method: Method, prefix: str) -> tuple[str, str, str]:
    """How a method begins, what it calls, and what it returns; handles are opened later, so not awaited."""
    result = layout.flat(node(method.result, "client"))
    if method.page is not None:
        page = f"models.{prefix}{method.page.name}"
        item = layout.flat(node(method.page.item, "client"))
        return "def", "paged", f"AsyncPaging[{page}, {item}]" if prefix else page
    if method.answer in _ARRIVING:
        function, handle = _ARRIVING[method.answer]
        return "def", function, f"{prefix}{handle}" + (f"[{result}]" if method.answer == "lines" else "")
    return "async def" if prefix else "def", "call", result


def _stream(method: Method, name: Identifier, *, asynchronous: bool) -> list[str]:
    prefix = "Async" if asynchronous else ""
    event = layout.flat(node(method.event or Name("Any"), "client"))
    result = layout.flat(node(method.stream_result, "client"))
    found = _signature(f"def {name}", method, f"{prefix}Stream[{event}, {result}]")
    summary = method.summary.rstrip(".")
    lines = [f"{summary}, as a stream of events." if "\n" not in summary and len(summary) < 70 else summary]
    told = "the stream opens when it is entered or first read."
    lines += [
        "",
        told.capitalize() if method.only_streams else f"Arguments are those of `{method.name}`; {told}",
    ]
    found += docstring(_wrapped(lines), "        ")
    opened = "stream" if accumulates(method.operation) or method.only_streams else "stream_events"
    return found + layout.lines("return ", _call(opened, method), indent="        ")


def _wrapped(lines: list[str]) -> list[str]:
    return [part for line in lines for part in wrapped(line)]


def _signature(start: str, method: Method, result: str) -> list[str]:
    positional = [_parameter(one) for one in method.arguments if one.where == "path"]
    named = [_parameter(one) for one in method.arguments if one.where != "path"]
    stars: list[layout.Node] = ["*", *named] if named else []
    items: tuple[layout.Node, ...] = ("self", *positional, *stars, "**options: Unpack[CallOptions]")
    return layout.lines(start, layout.Group("(", items, ")"), f" -> {result}:", "    ")


def _parameter(one: Argument) -> layout.Node:
    absent = NONE if one.where == "whole-body" else _OMIT
    made = node(one.type if one.required else either([one.type, absent]), "client")
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
    items: list[layout.Node] = [f"profile.{method.constant}", *([page] if page else [])]
    for where in ("path", "query", "headers", "cookies", "body"):
        pairs = [f"{one.wire}: {one.name}" for one in method.arguments if one.where == where]
        if where == "query":
            pairs = [f"{key}: {value}" for key, value in method.query] + pairs
        if pairs:
            items.append(layout.Group(f"{where}={{", tuple(pairs), "}"))
    whole = [one for one in method.arguments if one.where == "whole-body"]
    items.extend(f"body={one.name}" for one in whole)
    return layout.Group(f"self._client.{function}(", (*items, "options=options"), ")")


def _client(view: View, *, asynchronous: bool) -> list[str]:
    prefix, word = ("Async", "asyncio") if asynchronous else ("", "blocking")
    found = ["", "", f"class {prefix}{view.client}({prefix or 'Sync'}Client):"]
    found += docstring(_client_documentation(view, word), "    ")
    found += ["", "    profile = PROFILE"]
    for child, class_name in view.children:
        found += ["", *_child(child, f"{prefix}{class_name}", "self")]
    return found


def _client_documentation(view: View, word: str) -> list[str]:
    found = [*_wrapped([f"The {word} client of {view.title}."])]
    keys, urls = view.api.env.api_key, view.api.env.base_url
    if keys:
        names = ", ".join(f"`{name}`" for name in keys)
        found += ["", f"`api_key` is read from {names} where it is not given."]
    if urls:
        names = ", ".join(f"`{name}`" for name in urls)
        found += ["", f"`base_url` is read from {names} where it is not given."]
    return found
