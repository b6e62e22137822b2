"""Prints profile.py: what the client knows of the provider, and one constant for each operation."""

from __future__ import annotations

from collections.abc import Iterable

from ...spec import ir
from . import layout
from .expressions import ANY, node
from .printing import head, imports, names_used, text
from .text import Quoted, literal
from .view import BodyPlan, Method, View

_PROFILE: tuple[str, ...] = (
    "AuthScheme",
    "BodyRule",
    "ErrorRules",
    "LimitHeaders",
    "Operation",
    "PageRule",
    "Probe",
    "Profile",
    "StreamRule",
)
_VIEWS = ("either", "list_of", "map_of", "obj")


def write_profile(view: View) -> str:
    """The source of profile.py."""
    body = _profile(view.api)
    for resource in view.resources:
        for method in resource.methods:
            body.extend(_operation(method))
    words = names_used(body)
    title = f"What the client knows of {view.title}: facts, no behaviour."
    typing = imports(words, {"typing": ("Any",)})
    own = imports(words, {"...core.profile": _PROFILE, "...core.views": _VIEWS})
    if "models" in words:
        own.append("from . import models")
    return text([*head(view, title), *typing, *([""] if typing else []), *own, "", *body])


def _call(function: str, /, **arguments: layout.Node | None) -> layout.Group:
    """`function(a=..., b=...)` without arguments that are None."""
    items = tuple(_argument(key, value) for key, value in arguments.items() if value is not None)
    return layout.Group(f"{function}(", items, ")")


def _argument(key: str, value: layout.Node) -> layout.Node:
    if isinstance(value, layout.Group):
        return layout.Group(f"{key}={value.opening}", value.items, value.closing, value.comma)
    assert isinstance(value, str)  # noqa: S101 - arguments are texts or calls
    return f"{key}={value}"


def _tuple(values: Iterable[object]) -> layout.Group | None:
    items = tuple(literal(value) for value in values)
    if not items:
        return None
    return layout.Group("(", items, ",)" if len(items) == 1 else ")")


def _set(values: Iterable[object]) -> layout.Group:
    items = tuple(literal(value) for value in sorted(values, key=str))
    return layout.Group("frozenset(", (layout.Group("{", items, "}"),) if items else (), ")")


def _dict(pairs: Iterable[tuple[str, object]]) -> layout.Group | None:
    items = tuple(f"{Quoted(key)}: {literal(value)}" for key, value in pairs)
    return layout.Group("{", items, "}") if items else None


def _profile(api: ir.Api) -> list[str]:
    limits = tuple(_limit(one) for one in api.rate_limits)
    closing = ",)" if len(limits) == 1 else ")"
    call = _call(
        "Profile",
        name=Quoted(api.provider),
        base_url=Quoted(api.servers[0] if api.servers else ""),
        env_api_key=_tuple(api.env.api_key),
        env_base_url=_tuple(api.env.base_url),
        auth=_auth(api.auth),
        headers=_dict(api.headers),
        request_id_headers=_tuple(api.request_id_headers),
        errors=_errors(api.errors),
        rate_limits=layout.Group("(", limits, closing) if limits else None,
        base_url_suffixes=_tuple(api.base_url_suffixes),
        secret_headers=_tuple(api.secret_headers),
        idempotency_header=_quoted(api.idempotency_header),
        attempt_header=_quoted(api.attempt_header),
        previous_attempts_header=_quoted(api.previous_attempts_header),
        health=_probe(api),
    )
    return layout.lines("PROFILE = ", call)


def _probe(api: ir.Api) -> layout.Group | None:
    if api.health is None:
        return None
    one = api.operation(api.health)
    return _call("Probe", name=Quoted(one.name), path=Quoted(one.path), group=Quoted(one.group))


def _quoted(name: str | None) -> Quoted | None:
    return Quoted(name) if name else None


def _auth(auth: ir.Auth) -> layout.Group | None:
    if auth == ir.Auth():
        return None
    optional = "True" if auth.optional else None
    if auth.kind == "api-key":
        return _call(
            "AuthScheme",
            kind=Quoted(auth.kind),
            placement=Quoted(auth.placement),
            name=Quoted(auth.name),
            optional=optional,
        )
    return _call(
        "AuthScheme",
        kind=Quoted(auth.kind),
        token_url=_quoted(auth.token_url),
        scopes=_tuple(auth.scopes),
        client_auth=None if auth.client_auth == "basic" else Quoted(auth.client_auth),
        optional=optional,
    )


def _errors(errors: ir.Errors) -> layout.Group | None:
    call = _call(
        "ErrorRules",
        status_of_type=_dict(errors.status_of_type),
        terminal_codes=_set(errors.terminal_codes) if errors.terminal_codes is not None else None,
        retryable_statuses=_set(errors.retryable_statuses) if errors.retryable_statuses else None,
        not_processed=_set(errors.not_processed) if errors.not_processed is not None else None,
    )
    return call if call.items else None


def _limit(one: ir.RateLimit) -> layout.Group:
    return _call(
        "LimitHeaders",
        family=Quoted(one.family),
        unit=Quoted(one.unit),
        limit=Quoted(one.limit),
        remaining=Quoted(one.remaining),
        reset=Quoted(one.reset) if one.reset else None,
        reset_form=Quoted(one.reset_form) if one.reset else None,
        reset_meaning=Quoted(one.reset_meaning) if one.reset else None,
        cost=Quoted(one.cost) if one.cost else None,
        period=literal(one.period) if one.period is not None else None,
    )


def _stream_rule(stream: ir.Stream, convert: str) -> layout.Group:
    return _call(
        "StreamRule",
        family=Quoted(stream.family or ""),
        event=convert,
        parameter=None if stream.parameter == "stream" else literal(stream.parameter),
        value=None if stream.value is True else literal(stream.value),
        ndjson="True" if stream.ndjson else None,
        terminal=_set(stream.terminal) if stream.terminal else None,
        type_field=None if stream.type_field == "type" else Quoted(stream.type_field),
    )


def _body(body: BodyPlan | None) -> layout.Group | None:
    if body is None:
        return None
    return _call(
        "BodyRule",
        kind=None if body.kind == "object" else Quoted(body.kind),
        media_type=body.media_type,
        files=_set(body.files) if body.files else None,
        deep=_set(body.deep) if body.deep else None,
        media_types=_dict(body.media_types),
    )


def _pages(rule: ir.Pagination | None) -> layout.Group | None:
    if rule is None:
        return None
    texts = {name: getattr(rule, name) for name in ("param", "before", "next", "more", "size_param", "total")}
    return _call(
        "PageRule",
        style=Quoted(rule.style),
        items=Quoted(rule.items),
        **{name: Quoted(value) if value else None for name, value in texts.items()},
        id=None if rule.id == "id" else Quoted(rule.id),
        start=None if rule.start == 1 else literal(rule.start),
        in_body="True" if rule.in_body else None,
    )


def _operation(method: Method) -> list[str]:
    operation = method.operation
    result = layout.flat(node(method.result, "profile"))
    event = layout.flat(node(method.event or ANY, "profile"))
    stream = None
    if method.event is not None and operation.stream is not None:
        stream = _stream_rule(operation.stream, method.event_convert)
    call = _call(
        "Operation",
        name=Quoted(operation.name),
        method=Quoted(operation.http_method),
        path=Quoted(operation.path),
        result=method.convert,
        stream=stream,
        replay=None if operation.replay == "safe" else Quoted(operation.replay),
        group=None if operation.group == "default" else Quoted(operation.group),
        has_body="True" if operation.body is not None else None,
        answer=None if method.answer == "object" else Quoted(method.answer),
        accept=Quoted(operation.result.media_type) if method.answer in ("lines", "binary") else None,
        body=_body(method.body),
        pages=_pages(operation.pagination) if method.page is not None else None,
    )
    start = f"{method.constant}: Operation[{result}, {event}] = "
    if len(f"{start}Operation(") <= layout.WIDTH:
        return layout.lines(start, call)
    if len(f"{start}(") <= layout.WIDTH:
        return [f"{start}(", *layout.lines("", call, indent="    "), ")"]
    return [f"{method.constant}: Operation[", f"    {result}, {event}", *layout.lines("] = ", call)]
