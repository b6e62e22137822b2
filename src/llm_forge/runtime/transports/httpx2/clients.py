"""httpx2's clients as this adapter wants them: pool, TLS, proxy, and a network backend of ours."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from typing import Any

import httpx2 as lib

from ....core.errors import ConfigError
from ..logs import keep_secrets_out
from ..protocol import Network
from .backend import C, instrument

keep_secrets_out()


def tls_context(trust_env: bool, ca_bundle: str | None) -> ssl.SSLContext:
    """TLS 1.2 or newer with verification always on (R-035); made once, as loading authorities is slow."""
    named = tuple(os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")) if trust_env else ()
    return _tls_context(trust_env, ca_bundle, named)


@lru_cache(maxsize=8)
def _tls_context(trust_env: bool, ca_bundle: str | None, _: tuple[str | None, ...]) -> ssl.SSLContext:
    if ca_bundle is None:
        context = lib.create_ssl_context(trust_env=trust_env)
    else:
        context = ssl.create_default_context(cafile=ca_bundle)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def client_options(network: Network) -> dict[str, Any]:
    """Keyword arguments of httpx2.Client and AsyncClient; slots limit the connections, not the pool."""
    limits = network.pool
    pool = lib.Limits(
        max_connections=None, max_keepalive_connections=limits.idle, keepalive_expiry=limits.idle_seconds
    )
    return {
        "limits": pool,
        "trust_env": network.trust_env,
        "verify": tls_context(network.trust_env, network.ca_bundle),
        "timeout": None,
        "proxy": None if network.proxy is None else network.proxy.reveal(),
        "http1": network.http2 != "prior-knowledge",
        "http2": bool(network.http2),
    }


def new_client(network: Network) -> lib.Client:
    """A client for threads; ConfigError if httpx2 lacks a package for what is asked."""
    return instrument(_built(lib.Client, network), network.pool.keepalive_seconds)


def new_async_client(network: Network) -> lib.AsyncClient:
    """A client for one event loop; ConfigError as `new_client`."""
    return instrument(_built(lib.AsyncClient, network), network.pool.keepalive_seconds)


def _built(cls: type[C], network: Network) -> C:
    try:
        return cls(**client_options(network))
    except ImportError as error:  # the extras of httpx2: its message names the package, not the proxy
        raise ConfigError(f"transport='httpx2' lacks a package for http2 or this proxy: {error}") from None
