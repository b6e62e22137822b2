"""`llm-forge doctor`: whether calls can work from here, and what is in the way."""

from __future__ import annotations

import datetime
import json
import os
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Literal
from urllib.parse import urlsplit

from ..core.call_context import CallContext
from ..core.errors import ForgeError
from ..core.version import VERSION
from ..runtime.middleware import Middleware, Proceed, Request, Response
from ..unified.config import load_configuration
from ..unified.connection import Connection
from ..unified.registry import find_provider, provider_names, with_kept_key
from .failure import Failure

SKEW_SECONDS = 30.0
PACKAGES = ("msgspec", "pycurl", "httpx2", "certifi", "PyYAML", "typer")
PROXIES = tuple(
    name for word in ("HTTPS", "HTTP", "ALL", "NO") for name in (f"{word}_PROXY", f"{word.lower()}_proxy")
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    state: Literal["ok", "note", "bad"]
    what: str
    found: str


class _Clock(Middleware):
    """Notes how far the server's clock is ahead of ours."""

    skew: float | None = None

    def attempt(self, context: CallContext, request: Request, proceed: Proceed) -> Response:
        del context
        response = proceed(request)
        told = response.headers.get("date")
        if told:
            here = datetime.datetime.now(datetime.UTC)
            self.skew = (parsedate_to_datetime(str(told)) - here).total_seconds()
        return response


def run_doctor(providers: list[str], *, as_json: bool) -> None:
    """Look at everything and print it; Failure if something is bad."""
    found = []
    for finding in _findings(providers):
        found.append(finding)
        if not as_json:
            print(f"{finding.state:<5} {finding.what}: {finding.found}", flush=True)
    if as_json:
        print(json.dumps([asdict(one) for one in found]))
    if bad := [one.what for one in found if one.state == "bad"]:
        raise Failure(f"Not in order: {', '.join(bad)}")


def _findings(providers: list[str]) -> Iterator[Finding]:
    yield Finding("ok", "versions", _versions())
    yield from _proxies()
    try:
        config = load_configuration()
        config.check()
        files = ", ".join(str(file.path) for file in config.files)
        yield Finding("ok", "configuration", files or "no file")
    except ForgeError as error:
        yield Finding("bad", "configuration", error.message)
        return
    for name in providers or provider_names():
        yield from _provider(name, asked=bool(providers))


def _versions() -> str:
    parts = [f"llm-forge {VERSION}", f"Python {platform.python_version()}", platform.platform()]
    for name in PACKAGES:
        try:
            parts.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            parts.append(f"{name} missing")
    return ", ".join(parts)


def _proxies() -> Iterator[Finding]:
    for name in PROXIES:
        if value := os.environ.get(name, "").strip():
            shown = value if name.lower() == "no_proxy" else _without_password(value)
            yield Finding("note", name, shown)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port}" if parts.hostname else "set, and not a URL"


def _provider(name: str, *, asked: bool) -> Iterator[Finding]:
    """Key and reachability of a provider; one without a key is bad only if somebody asked for it."""
    clock = _Clock()
    try:
        config = load_configuration()
        found = find_provider(name, compatible=name in config.kinds)
        options = with_kept_key(found, {"config": config.files})
        client = Connection(found, {**options, "middleware": [clock]}).client()
    except ForgeError as error:
        yield Finding("bad" if asked else "note", f"{name} key", error.message)
        return
    with client:
        yield Finding("ok", f"{name} key", f"from {client.sources()['api_key']}")
        health = client.health_check()
        if health.ok:
            yield Finding("ok", f"{name} answers", f"{client.base_url} in {health.latency * 1000:.0f} ms")
        else:
            yield Finding("bad", f"{name} answers", f"{health.error}: {health.message}")
    if clock.skew is not None:
        far = abs(clock.skew) > SKEW_SECONDS
        yield Finding("bad" if far else "ok", f"{name} clock", f"{abs(clock.skew):.0f} s from this machine's")
