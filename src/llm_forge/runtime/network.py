"""The options of how connections are made: pool, authorities, proxies, HTTP version (R-035 to R-040)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ..core.errors import ConfigError
from ..core.secrets import Secret
from .transports.protocol import Network, PoolLimits

PROXY_SCHEMES: Final = ("http", "https", "socks5", "socks5h")
SHAPES: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "pool": (lambda value: isinstance(value, PoolLimits), "a PoolLimits object"),
    "trust_env": (lambda value: isinstance(value, bool), "True or False"),
    "ca_bundle": (lambda value: isinstance(value, (str, PathLike)), "the path of a PEM file"),
    "proxy": (lambda value: isinstance(value, (str, Secret)), "the URL of a proxy"),
    "http2": (lambda value: value in (True, False, "prior-knowledge"), "True, False or 'prior-knowledge'"),
}


def take_network(options: dict[str, Any]) -> Network:
    """The network that these options mean; they are taken out. ConfigError for what cannot be used."""
    chosen = {name: options.pop(name) for name in SHAPES if name in options}
    if chosen.get("ca_bundle") is not None:
        chosen["ca_bundle"] = _existing(chosen["ca_bundle"])
    if chosen.get("proxy") is not None:
        chosen["proxy"] = _proxy(chosen["proxy"])
    return Network(**{name: value for name, value in chosen.items() if value is not None})


def _existing(path: str | PathLike[str]) -> str:
    if not Path(path).is_file():
        raise ConfigError(f"ca_bundle: there is no file {fspath(path)!r}")
    return fspath(path)


def _proxy(value: str | Secret) -> Secret:
    """A proxy's URL; the error never shows it, for it may hold a password (R-040)."""
    secret = value if isinstance(value, Secret) else Secret(value.strip())
    try:
        parts = urlsplit(secret.reveal())
        usable = parts.scheme in PROXY_SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(f"proxy must be a URL with a host and one of {', '.join(PROXY_SCHEMES)}")
    return secret
