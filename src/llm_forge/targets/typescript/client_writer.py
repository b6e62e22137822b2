"""Prints client.ts, profile.ts and index.ts."""

from __future__ import annotations

from ...spec import ir
from . import layout
from .printing import imports, module
from .text import Prose, Quoted, comment
from .view import View


def write_client(view: View) -> str:
    """The source of client.ts: the client's class."""
    modules = {one.name: f"./resources/{one.module}.js" for one in view.resources}
    head = [
        *imports(["ClientOptions"], "./runtime/index.js", types=True),
        *imports(["Client"], "./runtime/index.js"),
        *imports(["PROFILE"], "./profile.js"),
    ]
    for name, source in sorted(((name, modules[name]) for _, name in view.children), key=lambda one: one[1]):
        head += imports([name], source)
    return module(view, [head, _class(view)], f"The client of {view.title}.")


def _class(view: View) -> list[str]:
    found = comment(Prose(_documentation(view)))
    found.append(f"export class {view.client} extends Client {{")
    found += [f"  readonly {attribute} = new {name}(this);" for attribute, name in view.children]
    return [
        *found,
        *([""] if view.children else []),
        "  constructor(options: ClientOptions = {}) {",
        f"    super(PROFILE, options, {Quoted(view.client)});",
        "  }",
        "}",
    ]


def _documentation(view: View) -> str:
    """What the class is, and where it looks for what it is not given."""
    found = [f"The client of {view.title}."]
    for option, names in (("apiKey", view.api.env.api_key), ("baseURL", view.api.env.base_url)):
        if names:
            listed = ", ".join(f"`{name}`" for name in names)
            found.append(f"`{option}` is read from {listed} where it is not given.")
    return "\n\n".join(found)


def write_index(view: View) -> str:
    """The source of index.ts: all that users import."""
    exports = [
        f'export {{ {view.client}, {view.client} as default }} from "./client.js";',
        'export type * as models from "./models/index.js";',
        'export * from "./runtime/index.js";',
    ]
    return module(view, [exports], f"The client of {view.title}, its types and its errors.")


# the profile


def write_profile(view: View) -> str:
    """The source of profile.ts: facts, no behaviour."""
    api = view.api
    facts = layout.obj(
        {
            "name": Quoted(api.provider),
            "baseUrl": Quoted(api.servers[0] if api.servers else ""),
            "envApiKey": _texts(api.env.api_key),
            "envBaseUrl": _texts(api.env.base_url),
            "auth": _auth(api.auth),
            "headers": layout.data(dict(api.headers)) if api.headers else None,
            "requestIdHeaders": _texts(api.request_id_headers),
            "errors": _errors(api.errors),
            "rateLimits": layout.array(map(_limit, api.rate_limits)) if api.rate_limits else None,
            "baseUrlSuffixes": _texts(api.base_url_suffixes),
            "secretHeaders": _texts(api.secret_headers),
            "idempotencyHeader": _text(api.idempotency_header),
            "attemptHeader": _text(api.attempt_header),
            "previousAttemptsHeader": _text(api.previous_attempts_header),
            "health": _probe(api),
        }
    )
    made = layout.broken("export const PROFILE = /* @__PURE__ */ defineProfile(", facts, ");")
    head = imports(["defineProfile"], "./runtime/index.js")
    return module(view, [head, made], f"What the client knows of {view.title}: facts, no behaviour.")


def _texts(values: tuple[str, ...]) -> layout.Node | None:
    return layout.data(values) if values else None


def _text(value: str | None) -> str | None:
    return Quoted(value) if value else None


def _probe(api: ir.Api) -> layout.Node | None:
    if api.health is None:
        return None
    one = api.operation(api.health)
    return layout.data({"name": one.name, "path": one.path, "group": one.group})


def _auth(auth: ir.Auth) -> layout.Node | None:
    if auth == ir.Auth():
        return None
    fields: dict[str, object] = {"kind": auth.kind}
    if auth.kind == "api-key":
        fields |= {"placement": auth.placement, "name": auth.name}
    elif auth.kind == "oauth2":
        fields |= {"tokenUrl": auth.token_url, "scopes": auth.scopes, "clientAuth": auth.client_auth}
    if auth.optional:
        fields["optional"] = True
    return layout.data(fields)


def _errors(errors: ir.Errors) -> layout.Node | None:
    given = {
        "statusOfType": dict(errors.status_of_type) or None,
        "terminalCodes": None if errors.terminal_codes is None else sorted(errors.terminal_codes),
        "retryableStatuses": sorted(errors.retryable_statuses) or None,
        "notProcessed": None if errors.not_processed is None else sorted(errors.not_processed),
    }
    said = {name: value for name, value in given.items() if value is not None}
    return layout.data(said) if said else None


def _limit(one: ir.RateLimit) -> layout.Node:
    given = {
        "family": one.family,
        "unit": one.unit,
        "limit": one.limit,
        "remaining": one.remaining,
        "reset": one.reset,
        "resetForm": one.reset_form if one.reset else None,
        "resetMeaning": one.reset_meaning if one.reset else None,
        "cost": one.cost,
        "period": one.period,
    }
    return layout.data({name: value for name, value in given.items() if value is not None})
