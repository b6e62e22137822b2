"""Prints profile.py: what the client knows of the provider."""

from __future__ import annotations

from ...spec import ir
from . import layout
from .calls import call, dict_of, facts_of, set_of, tuple_of
from .printing import head, imports, names_used, text
from .text import Quoted, literal
from .view import View

_NAMES = (
    "AuthScheme",
    "ErrorRules",
    "LimitHeaders",
    "Probe",
    "Profile",
)


def write_profile(view: View) -> str:
    """The source of profile.py."""
    body = _profile(view.api)
    title = f"What the client knows of {view.title}: facts, no behaviour."
    return text([*head(view, title), *imports(names_used(body), {"...core.profile": _NAMES}), "", *body])


def _profile(api: ir.Api) -> list[str]:
    limits = tuple(_limit(one) for one in api.rate_limits)
    closing = ",)" if len(limits) == 1 else ")"
    made = call(
        "Profile",
        name=Quoted(api.provider),
        base_url=Quoted(api.servers[0] if api.servers else ""),
        env_api_key=tuple_of(api.env.api_key),
        env_base_url=tuple_of(api.env.base_url),
        auth=_auth(api.auth),
        headers=dict_of(api.headers),
        request_id_headers=tuple_of(api.request_id_headers),
        errors=_errors(api.errors),
        rate_limits=layout.Group("(", limits, closing) if limits else None,
        base_url_suffixes=tuple_of(api.base_url_suffixes),
        secret_headers=tuple_of(api.secret_headers),
        idempotency_header=_quoted(api.idempotency_header),
        attempt_header=_quoted(api.attempt_header),
        previous_attempts_header=_quoted(api.previous_attempts_header),
        health=_probe(api),
        capabilities=facts_of(api.capabilities),
    )
    return layout.lines("PROFILE = ", made)


def _probe(api: ir.Api) -> layout.Group | None:
    if api.health is None:
        return None
    one = api.operation(api.health)
    return call("Probe", name=Quoted(one.name), path=Quoted(one.path), group=Quoted(one.group))


def _quoted(name: str | None) -> Quoted | None:
    return Quoted(name) if name else None


def _auth(auth: ir.Auth) -> layout.Group | None:
    if auth == ir.Auth():
        return None
    optional = "True" if auth.optional else None
    if auth.kind == "api-key":
        return call(
            "AuthScheme",
            kind=Quoted(auth.kind),
            placement=Quoted(auth.placement),
            name=Quoted(auth.name),
            optional=optional,
        )
    return call(
        "AuthScheme",
        kind=Quoted(auth.kind),
        token_url=_quoted(auth.token_url),
        scopes=tuple_of(auth.scopes),
        client_auth=None if auth.client_auth == "basic" else Quoted(auth.client_auth),
        optional=optional,
    )


def _errors(errors: ir.Errors) -> layout.Group | None:
    made = call(
        "ErrorRules",
        status_of_type=dict_of(errors.status_of_type),
        terminal_codes=set_of(errors.terminal_codes) if errors.terminal_codes is not None else None,
        retryable_statuses=set_of(errors.retryable_statuses) if errors.retryable_statuses else None,
        not_processed=set_of(errors.not_processed) if errors.not_processed is not None else None,
    )
    return made if made.items else None


def _limit(one: ir.RateLimit) -> layout.Group:
    return call(
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
