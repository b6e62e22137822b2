"""Prints the page of a provider: each method with its signature, its replay class and an example.

An example calls the method with the arguments that it needs. What stands for them is said in
`descriptions/examples/<provider>.yaml`, else it is the description's own example or a plain value.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from ..text import markdown
from . import layout
from .attributes import by_attribute
from .examples import Examples, as_node
from .expressions import node
from .package_writer import sample_values
from .printing import text
from .sample import labelled, value_node
from .view import Method, ResourceClass, View

_REPLAY = {
    "safe": "`safe`: repeated freely.",
    "keyed": "`keyed`: repeated with the same idempotency key.",
    "once": "`once`: repeated only where the server surely did not process it.",
}
_WIDTH = 96
_USE = {"binary": "print(len(answer.read()))", "lines": "for line in answer:\n    print(line)", "empty": ""}


def write_page(view: View, examples: Examples) -> str:
    """The page, in Markdown; each example stands alone once the client is made."""
    found = [f"# {markdown(view.title)}", ""]
    found += [
        f"Written by `make gen` from `{view.api.source}`; do not edit. What all methods have in common is",
        "said in [clients](../clients.md), [streams](../streams.md) and [files](../files.md).",
        "",
    ]
    paths = ["from pathlib import Path", ""] if examples.files else []
    found += ["```python", *paths, f"from llm_forge import {view.client}", ""]
    found += [f"client = {examples.client or f'{view.client}()'}{_key(view, examples)}", "```", ""]
    found += [
        f"Each method has a twin on `Async{view.client}`, to be awaited. A `...` marks what may be left out.",
        "",
    ]
    found += _files(examples)
    resources = [(path, one) for path, one in by_attribute(view) if one.methods]
    resources.sort(key=lambda pair: pair[0])
    found += [f"- [{path}](#{path.replace('.', '')}): {_methods(one)}" for path, one in resources]
    for path, one in resources:
        found += ["", f"## {path}"]
        for method in one.methods:
            found += ["", *_method(view, path, method, examples)]
    return text(found)


def _files(examples: Examples) -> list[str]:
    """The files that examples read, with a line of those that have a form."""
    if not examples.files:
        return ["## Methods", ""]
    shown = [
        f"- `{name}`, {one.what}" + (f": `{one.line}`" if one.line else "")
        for name, one in examples.files.items()
    ]
    return ["The examples read these files from the folder they run in:", "", *shown, "", "## Methods", ""]


def _key(view: View, examples: Examples) -> str:
    keys = view.api.env.api_key
    return f"  # the key comes from {keys[0]}" if keys and not examples.client else ""


def _methods(resource: ResourceClass) -> str:
    return ", ".join(f"`{name}`" for method in resource.methods for name in _names(method))


def _names(method: Method) -> list[str]:
    twin = [] if method.stream is None or method.only_streams else [str(method.stream)]
    return [str(method.name), *twin]


def _method(view: View, path: str, method: Method, examples: Examples) -> Iterator[str]:
    yield f"### {path}.{method.name}"
    yield ""
    yield markdown(method.summary)
    yield ""
    yield "```"
    for name in _names(method):
        yield from _signature(method, name)
    yield "```"
    yield ""
    yield f"Replay {_REPLAY[method.operation.replay]}"
    yield ""
    yield "```python"
    yield from _example(view, path, method, examples)
    yield "```"


def _signature(method: Method, name: str) -> list[str]:
    """The arguments by name; those that may be left out end in `=...`."""
    positional = [str(one.name) for one in method.arguments if one.where == "path"]
    named = [
        str(one.name) + ("" if one.required else "=...") for one in method.arguments if one.where != "path"
    ]
    star = ["*"] if named else []
    whole = f"{name}({', '.join([*positional, *star, *named])}) -> {_answer(method, name)}"
    return textwrap.wrap(whole, _WIDTH, subsequent_indent="    ", break_long_words=False)


def _answer(method: Method, name: str) -> str:
    result = layout.flat(node(method.result, "page")).replace("models.", "")
    if name == method.stream:
        event = layout.flat(node(method.event, "page")).replace("models.", "") if method.event else "Any"
        return f"Stream[{event}]"
    if method.page is not None:
        return str(method.page.name)
    return {"binary": "Download", "lines": f"Lines[{result}]"}.get(method.answer, result)


def _example(view: View, path: str, method: Method, examples: Examples) -> list[str]:
    arguments = _arguments(view, path, method, examples)
    found = []
    for name, made in examples.needed(layout.flat(layout.Group("dict(", arguments, ")"))).items():
        found += layout.lines(f"{name} = ", as_node(made))
    if not method.only_streams:
        found += _whole(method, layout.Group(f"client.{path}.{method.name}(", arguments, ")"))
    if method.stream is not None:
        call = layout.Group(f"client.{path}.{method.stream}(", arguments, ")")
        found += [*layout.lines("for event in ", call, ":"), "    print(event)"]
    return found


def _whole(method: Method, call: layout.Group) -> list[str]:
    if method.page is not None:
        return [*layout.lines("for one in ", call, ":"), "    print(one)"]
    use = _USE.get(method.answer, "print(answer)")
    return [*layout.lines("answer = " if use else "", call), *use.splitlines()]


def _arguments(view: View, path: str, method: Method, examples: Examples) -> tuple[layout.Node, ...]:
    samples = sample_values(view, method)
    found: list[layout.Node] = []
    for one in method.arguments:
        said = examples.value(path, method.name, one.name)
        if one.required or f"{path}.{method.name}.{one.name}" in examples.values:
            made = as_node(said) if said is not None else value_node(samples.get(one.wire, {}))
            found.append(made if one.where == "path" else labelled(f"{one.name}=", made))
    return tuple(found)
