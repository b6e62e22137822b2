"""Prints the tests of an SDK: the wire cases, and how each operation is called with their arguments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...spec.wire import to_json
from ..suite import generated_suite
from .names import Names
from .printing import INDENT, MAX_WIDTH, Literal, Value, function, listed, statement, structure, typed, used
from .service_writer import qualified
from .text import Quoted
from .view import Argument, Field, Method, Service, Struct, View

_SUPPORT = Path(__file__).with_name("wire_support.rs.txt")
_WIRE_PLACES = {"path": "path", "query": "query", "headers": "header", "cookies": "cookie"}


def write_tests(view: View) -> dict[str, str]:
    """tests/wire.json, the program that plays it, and the table of calls."""
    support = _SUPPORT.read_text(encoding="utf-8").replace("CRATE", view.package)
    return {
        "tests/wire.json": to_json(generated_suite(view.api)),
        "tests/wire.rs": f"// {view.header}\n{support}",
        "tests/calls/mod.rs": _Calls(view).write(),
    }


class _Calls:
    """The functions that make the call of each operation."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._forms = {str(one.name): one for one in view.types if isinstance(one, Struct) and one.form}

    def write(self) -> str:
        """tests/calls/mod.rs."""
        rows: list[Value] = []
        body: list[str] = []
        names = Names()
        for path, method in _methods(self._view.root, "client"):
            for streams in _ways(method):
                name = names.snake(f"call {method.constant}{' stream' if streams else ''}")
                parts = (Quoted(method.operation.name), str(streams).lower(), name)
                rows.append(Literal("(", [("", one) for one in parts], ")"))
                body += ["", *self._function(name, path, method, streams=streams)]
        table = statement("pub(crate) const CALLS: &[(&str, bool, Call)] =", listed(rows))
        doc = "/// The call of each operation: its name, whether it streams, and how it is made."
        text = "\n".join(body)
        helpers = [one for one in _HELPERS if f"{one}(" in text]
        crate = self._view.package
        offered = ["CallOptions", "Client", *(["types"] if "types::" in text else [])]
        head = [
            f"// {self._view.header}",
            "",
            "use futures::FutureExt as _;",
            "",
            *used(crate, offered),
            "",
            *used("super", [*helpers, "Call", "Given", "Playing"]),
        ]
        return "\n".join([*head, "", doc, *table, *body]) + "\n"

    def _function(self, name: str, path: str, method: Method, *, streams: bool) -> list[str]:
        given: list[str] = []
        lines = [line for one in self._arguments(method, given) for line in one]
        called = f"{method.stream if streams else method.name}({', '.join([*given, 'options'])})"
        return [
            *function(
                f"fn {name}", ["client: Client", "given: Given" if lines else "_: Given"], "Playing", ""
            ),
            f"{INDENT}async move {{",
            *lines,
            f"{INDENT * 2}let service = {path};",
            f"{INDENT * 2}let options = CallOptions::default();",
            *_result(called),
            f"{INDENT * 2}{_outcome(method, streams=streams)}",
            f"{INDENT}}}",
            f"{INDENT}.boxed()",
            "}",
        ]

    def _arguments(self, method: Method, given: list[str]) -> Iterator[list[str]]:
        for one in method.path:
            value = f'given.argument("path", {one.wire})'
            yield bound(f"let {one.name}: {qualified(one.type)} =", value)
            given.append(str(one.name) if one.type in ("i64", "f64", "bool") else f"&{one.name}")
        if method.body:
            yield self._body(method)
            shared = "as_deref" if method.body.startswith("Vec<") else "as_ref"
            given.append("&body" if method.body_required else f"body.{shared}()")
        if method.params is not None:
            pairs = [(one.name, _argument(one)) for one in method.fields]
            made = structure(qualified(method.params), pairs)
            yield statement("let params =", made, INDENT * 2)
            given.append("&params")

    def _body(self, method: Method) -> list[str]:
        if method.body == "Upload":
            expected = '.expect("a file")' if method.body_required else ""
            return [f"{INDENT * 2}let body = given.file(){expected};"]
        if method.body in self._forms:
            return self._form(self._forms[method.body], required=method.body_required)
        type_ = qualified(method.body)
        told = type_ if method.body_required else f"Option<{type_}>"
        return bound(f"let body: {told} =", "given.body()")

    def _form(self, form: Struct, *, required: bool) -> list[str]:
        pairs: list[tuple[str, Value]] = [(str(one.name), _field(one)) for one in form.fields]
        known = listed([one.wire for one in form.fields if one.wire is not None])
        made = structure(qualified(form.name), [*pairs, ("extra", known.within("given.rest(", ")"))])
        return statement("let body =", made if required else made.within("Some(", ")"), INDENT * 2)


def _result(called: str) -> list[str]:
    flat = f"service.{called}.await"
    if len(flat) <= MAX_WIDTH - len(INDENT * 3) - 1:
        return bound("let result =", flat)
    return [
        f"{INDENT * 2}let result = service",
        f"{INDENT * 3}.{called}",
        f"{INDENT * 3}.await;",
    ]


def bound(before: str, value: str) -> list[str]:
    """A `let`, with its value on the next line where it does not fit."""
    return typed(before, value, ";", INDENT * 2)


_HELPERS = ("of_file", "of_lines", "of_page", "of_result", "of_stream")


def _methods(one: Service, path: str) -> Iterator[tuple[str, Method]]:
    for method in one.methods:
        yield path, method
    for getter, child in one.children:
        yield from _methods(child, f"{path}.{getter}()")


def _ways(method: Method) -> list[bool]:
    return [*([] if method.only_streams else [False]), *([True] if method.stream is not None else [])]


def _outcome(method: Method, *, streams: bool) -> str:
    if streams:
        return "of_stream(result).await"
    if method.item:
        return "of_page(result)"
    return {"lines": "of_lines(result).await", "binary": "of_file(result).await"}.get(
        method.answer, "of_result(result)"
    )


def _argument(one: Argument) -> str:
    return f'given.argument("{_WIRE_PLACES[one.where]}", {one.wire})'


def _field(one: Field) -> str:
    if not one.is_file:
        return f'given.argument("body", {one.wire})'
    if one.type == "Vec<Upload>":
        found = f"given.files({one.wire})"
        return found if one.presence == "plain" else f"Some({found})"
    last = f"given.files({one.wire}).pop()"
    return f'{last}.expect("a file")' if one.presence == "plain" else last
