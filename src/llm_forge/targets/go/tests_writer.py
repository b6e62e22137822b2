"""Prints the tests of an SDK: the wire cases, and how each operation is called with their arguments."""

from __future__ import annotations

from pathlib import Path

from ...spec.wire import to_json
from ..suite import generated_suite
from .package_writer import place
from .printing import file
from .service_writer import returned
from .text import Quoted
from .view import Argument, Method, Service, View

_SUPPORT = Path(__file__).with_name("wire_support.go.txt")
_WIRE_PLACES = {"path": "path", "query": "query", "headers": "header", "cookies": "cookie"}
_OF = {
    "*forge.Stream[": "ofStream",
    "*forge.PageOf[": "ofPage",
    "*forge.LinesOf[": "ofLines",
    "*forge.Result[": "ofResult",
    "*forge.Download": "ofFile",
    "*forge.Answer": "ofEmpty",
}


def write_tests(view: View) -> dict[str, str]:
    """tests/wire.json, the code that plays it, and the table of calls."""
    support = _SUPPORT.read_text(encoding="utf-8")
    support = support.replace("package PACKAGE", f"package {view.package}").replace("FORGE", view.runtime, 1)
    return {
        "tests/wire.json": to_json(generated_suite(view.api)),
        "wire_test.go": f"// {view.header}\n\n{support}",
        "wire_calls_test.go": _table(view),
    }


def _table(view: View) -> str:
    said, opened = "// wireCalls make the call of each operation.", "var wireCalls = map[string]wireCall{"
    entries: list[str] = []
    for service in (view.root, *view.services):
        for method in service.methods:
            entries += _entry(view, service, method)
    lines = [opened, *entries, "}"] if entries else [f"{opened}}}"]
    return file(view, [said, *lines], ["context", view.runtime])


def _entry(view: View, service: Service, method: Method) -> list[str]:
    lines = [f"\t{Quoted(method.operation.name)}: {{"]
    if not method.only_streams:
        lines += _function("call", view, service, method, streams=False)
    if method.stream is not None:
        lines += _function("stream", view, service, method, streams=True)
    return [*lines, "\t},"]


def _function(key: str, view: View, service: Service, method: Method, *, streams: bool) -> list[str]:
    given = returned(method, streams=streams)
    of = next(name for start, name in _OF.items() if given.startswith(start))
    return [
        f"\t\t{key}: func(ctx context.Context, c *Client, a wireArguments) wireResult {{",
        f"\t\t\treturn {of}({_call(view, service, method, streams=streams)})",
        "\t\t},",
    ]


def _call(view: View, service: Service, method: Method, *, streams: bool) -> str:
    if method.rule is not None and (method.rule.files or method.rule.kind in ("binary", "multipart", "form")):
        return _untyped(method, streams=streams)
    where = f"c.{place(view, service)}" if service is not view.root else "c"
    given = ["ctx", *(_argument(one) for one in method.path)]
    if method.body:
        given.append(f"bodyOf[{method.body}](a)")
    if method.params is not None:
        pairs = ", ".join(f"{one.name}: {_argument(one)}" for one in method.fields)
        given.append(f"&{method.params}{{{pairs}}}")
    return f"{where}.{method.stream if streams else method.name}({', '.join(given)})"


def _argument(one: Argument) -> str:
    return f"arg[{one.type}](a, {Quoted(_WIRE_PLACES[one.where])}, {one.wire})"


def _untyped(method: Method, *, streams: bool) -> str:
    fixed = ", ".join(one for pair in method.query for one in pair)
    rest = f"{method.variable}, a.params({fixed}))"
    if streams:
        return f"forge.OpenStream[{method.event}, {method.collected}](ctx, c.Client, {rest}"
    if method.item:
        return f"forge.FirstPage[{method.item}](ctx, c.Client, {rest}"
    if method.answer == "lines":
        return f"forge.OpenLines[{method.result}](ctx, c.Client, {rest}"
    if method.answer in ("binary", "empty"):
        return f"c.Client.{'Download' if method.answer == 'binary' else 'Call'}(ctx, {rest}"
    return f"forge.Call[{method.result}](ctx, c.Client, {rest}"
