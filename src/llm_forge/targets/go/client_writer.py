"""Prints client.go and profile.go: the client, and what it knows of its provider."""

from __future__ import annotations

from ...spec import ir
from .printing import Literal, Value, file, numbers, present, text_map, texts
from .service_writer import children, write_method
from .text import Quoted
from .view import View


def write_client(view: View) -> str:
    """The client, with the methods that stand on it."""
    services = [f"\t\t{field}: new{type_}(client)," for field, type_ in view.root.children]
    widths = max((len(field) for field, _ in view.root.children), default=0)
    services = [
        f"\t\t{field + ':':<{max(widths, len('Client')) + 1}} new{type_}(client),"
        for field, type_ in view.root.children
    ]
    own = f"\t\t{'Client:':<{max(widths, len('Client')) + 1}} client,"
    body = [
        "// Client makes the calls; it has all that forge.Client has. Close it when it is no longer needed.",
        "type Client struct {",
        "\t*forge.Client",
        *children(view.root),
        "}",
        "",
        "// NewClient is a client, by options such as forge.WithAPIKey; without them by the environment.",
        "func NewClient(options ...forge.ClientOption) (*Client, error) {",
        "\tclient, err := forge.NewClient(profile, options...)",
        "\tif err != nil {",
        "\t\treturn nil, err",
        "\t}",
        "\treturn around(client), nil",
        "}",
        "",
        "// WithOptions is a copy with other options that shares everything else.",
        "func (c *Client) WithOptions(options ...forge.CopyOption) (*Client, error) {",
        "\tclient, err := c.Client.WithOptions(options...)",
        "\tif err != nil {",
        "\t\treturn nil, err",
        "\t}",
        "\treturn around(client), nil",
        "}",
        "",
        "func around(client *forge.Client) *Client {",
        *(["\treturn &Client{", own, *services, "\t}"] if services else ["\treturn &Client{Client: client}"]),
        "}",
    ]
    for method in view.root.methods:
        body += ["", *write_method(method, "Client")]
    return file(view, body, ["context", view.runtime])


def write_profile(view: View) -> str:
    """What the client knows of its provider."""
    api = view.api
    pairs: list[tuple[str, Value | None]] = [
        ("Name", Quoted(api.provider)),
        ("BaseURL", Quoted(api.servers[0]) if api.servers else None),
        ("EnvAPIKey", texts(api.env.api_key)),
        ("EnvBaseURL", texts(api.env.base_url)),
        ("Auth", _auth(api.auth)),
        ("Headers", text_map(dict(api.headers))),
        ("RequestIDHeaders", texts(api.request_id_headers)),
        ("Errors", _errors(api.errors)),
        ("RateLimits", _limits(api.rate_limits)),
        ("BaseURLSuffixes", texts(api.base_url_suffixes)),
        ("SecretHeaders", texts(api.secret_headers)),
        ("IdempotencyHeader", _quoted(api.idempotency_header)),
        ("AttemptHeader", _quoted(api.attempt_header)),
        ("PreviousAttemptsHeader", _quoted(api.previous_attempts_header)),
        ("Health", _health(api)),
    ]
    first, *rest = Literal("&forge.Profile", present(pairs)).lines("")
    return file(view, [f"var profile = {first}", *rest], [view.runtime])


def _quoted(text: str | None) -> str | None:
    return Quoted(text) if text else None


def _auth(auth: ir.Auth) -> Literal | None:
    if auth == ir.Auth():
        return None
    key = auth.kind == "api-key"
    pairs: list[tuple[str, Value | None]] = [
        ("Kind", Quoted(auth.kind)),
        ("Placement", Quoted(auth.placement) if key else None),
        ("Name", Quoted(auth.name) if key else None),
        ("TokenURL", _quoted(auth.token_url)),
        ("Scopes", texts(auth.scopes)),
        ("ClientAuth", None if auth.client_auth == "basic" else Quoted(auth.client_auth)),
        ("Optional", "true" if auth.optional else None),
    ]
    return Literal("forge.AuthScheme", present(pairs))


def _errors(errors: ir.Errors) -> Literal | None:
    statuses: list[tuple[str, Value]] = [(Quoted(key), str(value)) for key, value in errors.status_of_type]
    codes, passed = errors.terminal_codes, errors.not_processed
    pairs: list[tuple[str, Value | None]] = [
        ("StatusOfType", Literal("map[string]int", statuses) if statuses else None),
        ("TerminalCodes", None if codes is None else texts(sorted(codes)) or "[]string{}"),
        ("RetryableStatuses", numbers(sorted(errors.retryable_statuses))),
        ("NotProcessed", None if passed is None else numbers(sorted(passed)) or "[]int{}"),
    ]
    found = present(pairs)
    return Literal("forge.ErrorRules", found) if found else None


class _Limits(Literal):
    """A list of limits, one a line."""

    def __init__(self, rows: list[str]) -> None:
        super().__init__("[]forge.LimitHeaders", ())
        self._rows = rows

    def lines(self, indent: str) -> list[str]:
        return [f"{self.type}{{", *(f"{indent}\t{{{one}}}," for one in self._rows), f"{indent}}}"]


def _limits(limits: tuple[ir.RateLimit, ...]) -> Literal | None:
    return _Limits([_limit(one) for one in limits]) if limits else None


def _limit(one: ir.RateLimit) -> str:
    told = {
        "Family": one.family,
        "Unit": one.unit,
        "Limit": one.limit,
        "Remaining": one.remaining,
        "Reset": one.reset or "",
        "ResetForm": one.reset_form if one.reset else "",
        "ResetMeaning": one.reset_meaning if one.reset else "",
        "Cost": one.cost or "",
    }
    found = [f"{name}: {Quoted(value)}" for name, value in told.items() if value]
    return ", ".join([*found, f"Period: {one.period}"] if one.period is not None else found)


def _health(api: ir.Api) -> Literal | None:
    if api.health is None:
        return None
    one = api.operation(api.health)
    found = present(
        [
            ("Name", Quoted(one.name)),
            ("Path", Quoted(one.path)),
            ("Group", None if one.group == "default" else Quoted(one.group)),
        ]
    )
    return Literal("&forge.Probe", found)
