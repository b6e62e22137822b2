"""Prints a service: its methods, thin over the runtime's client."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .printing import INDENT, function, used
from .view import Argument, Method, Service, View

_BY_VALUE = ("i64", "f64", "bool")
_ERRORS = ["///", "/// # Errors", "/// What the call failed with, all its attempts listed."]
_RUNTIME = ("CallOptions", "ClientBuilder", "ClientOptions", "Download", "Lines", "Page", "Result", "Upload")
_SUPPORT = ("Arguments", "MessageStream", "with_body")


def write_service(view: View, one: Service) -> str:
    """The file of a service."""
    body = [
        *one.doc.lines(),
        "#[derive(Clone, Copy, Debug)]",
        f"pub struct {one.name}<'a> {{",
        f"{INDENT}client: &'a runtime::Client,",
        "}",
        "",
        f"impl<'a> {one.name}<'a> {{",
        f"{INDENT}pub(crate) fn new(client: &'a runtime::Client) -> Self {{",
        f"{INDENT * 2}Self {{ client }}",
        f"{INDENT}}}",
        *children(one, "self.client", "'a"),
        *(line for method in one.methods for line in write_method(method, "self.client")),
        "}",
    ]
    nested = [child.name for _, child in one.children]
    return "\n".join([f"// {view.header}", "", *imports(body, nested), "", *body]) + "\n"


def imports(body: Sequence[str], services: Sequence[str]) -> list[str]:
    """`use` of what the methods of a service name."""
    text = "\n".join(line for line in body if not line.lstrip().startswith("//"))
    runtime = [
        *(["self"] if "runtime::" in text else []),
        *(one for one in _RUNTIME if re.search(rf"(?<!::)\b{one}\b", text)),
    ]
    found = [
        used("super", services),
        ["use crate::operations;"] if "operations::" in text else [],
        used("crate::runtime", runtime),
        used("crate::support", [one for one in _SUPPORT if one in text]),
        ["use crate::types;"] if "types::" in text else [],
    ]
    return [line for lines in found for line in lines]


def children(one: Service, client: str, lifetime: str) -> list[str]:
    """The methods that give the services below."""
    lines = []
    for getter, child in one.children:
        lines += [
            "",
            *child.doc.lines(INDENT),
            f"{INDENT}#[must_use]",
            f"{INDENT}pub fn {getter}(&self) -> {child.name}<{lifetime}> {{",
            f"{INDENT * 2}{child.name}::new({client})",
            f"{INDENT}}}",
        ]
    return lines


def write_method(method: Method, client: str) -> list[str]:
    """The methods that make the call."""
    lines = []
    if not method.only_streams:
        lines += ["", *_function(method, client, streams=False)]
    if method.stream is not None:
        lines += ["", *_function(method, client, streams=True)]
    return lines


def _function(method: Method, client: str, *, streams: bool) -> list[str]:
    name = method.stream if streams else method.name
    doc = method.doc.lines(INDENT)
    if streams and not method.only_streams:
        doc = [f"{INDENT}/// The stream of `{method.name}`."]
    arguments = ["&self", *_arguments(method), "options: CallOptions"]
    result = f"Result<{returned(method, streams=streams)}>"
    return [
        *doc,
        *(f"{INDENT}{line}" for line in _ERRORS),
        *function(f"pub async fn {name}", arguments, result, INDENT),
        *(f"{INDENT * 2}{line}" for line in _call(method, client, streams=streams)),
        f"{INDENT}}}",
    ]


def _arguments(method: Method) -> list[str]:
    found = [f"{one.name}: {borrowed(one.type)}" for one in method.path]
    if method.body:
        type_ = borrowed(method.body)
        found.append(f"body: {type_}" if method.body_required else f"body: Option<{type_}>")
    if method.params is not None:
        found.append(f"params: &{qualified(method.params)}")
    return found


def borrowed(type_: str) -> str:
    """A type as an argument that the call only reads."""
    if type_ == "String":
        return "&str"
    if type_.startswith("Vec<"):
        return f"&[{qualified(type_[4:-1])}]"
    return type_ if type_ in _BY_VALUE else f"&{qualified(type_)}"


def qualified(type_: str) -> str:
    """A type as services name it: those of the crate in the module `types`."""
    for start in ("Vec<", "Option<", "BTreeMap<String, "):
        if type_.startswith(start):
            outer = start.replace("BTreeMap", "std::collections::BTreeMap")
            return f"{outer}{qualified(type_[len(start) : -1])}>"
    if type_ in ("String", "Upload", *_BY_VALUE):
        return type_
    return {"Value": "serde_json::Value", "Object": "crate::Object"}.get(type_, f"types::{type_}")


def returned(method: Method, *, streams: bool) -> str:
    """The type of what a method gives."""
    if streams:
        return f"MessageStream<{qualified(method.event)}, {qualified(method.collected)}>"
    if method.item:
        return f"Page<{qualified(method.item)}>"
    if method.answer == "lines":
        return f"Lines<{qualified(method.result)}>"
    return {"binary": "Download", "empty": "()"}.get(method.answer, qualified(method.result))


def _call(method: Method, client: str, *, streams: bool) -> list[str]:
    given = _given(method)
    made = [f"let operation = &operations::{method.constant};"]
    if method.body and not method.body_required:
        made.append("let operation = &with_body(operation, body.is_some());")
    made += ["let mut arguments = Arguments::default();", *given] if given else []
    params = "&arguments.params" if given else "&runtime::Params::default()"
    if streams:
        return [*made, f"MessageStream::open({client}, operation, {params}, options).await"]
    if method.answer == "empty":
        return [*made, f"{client}.call_json(operation, {params}, options).await?;", "Ok(())"]
    return [*made, f"{client}.{entry(method)}(operation, {params}, options).await"]


def entry(method: Method) -> str:
    """The method of the runtime's client that makes the call."""
    if method.item:
        return "pages"
    return {"lines": "lines", "binary": "download"}.get(method.answer, "call")


def _given(method: Method) -> list[str]:
    found = [f"arguments.query({name}, {value})?;" for name, value in method.query]
    found += [f"arguments.path({one.wire}, {_reference(one)})?;" for one in method.path]
    given = "body" if method.body_required else "&body"
    if method.body == "Upload":
        found.append(f'arguments.files("", {given});')
    elif method.body:
        found.append(f"arguments.body({given})?;")
    for one in method.files:
        held = f"&body.{one.name}" if method.body_required else f"&body.map(|body| &body.{one.name})"
        found.append(f"arguments.files({one.wire}, {held});")
    return [*found, *(f"arguments.{_place(one)}({one.wire}, &params.{one.name})?;" for one in method.fields)]


def _place(one: Argument) -> str:
    return {"query": "query", "headers": "header", "cookies": "cookie"}[one.where]


def _reference(one: Argument) -> str:
    return f"&{one.name}" if one.type in _BY_VALUE else one.name
