"""The HTTP transports: the default, the alternatives, and what a user may pass as `transport`.

Nothing here imports an HTTP library before a transport is made.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import fields
from functools import cache
from typing import Any, cast

from ...core.errors import ConfigError
from .limits import DEFAULT_NETWORK
from .protocol import (
    AsyncExchange,
    AsyncTransport,
    Exchange,
    HttpRequest,
    Network,
    PoolLimits,
    StaleConnection,
    Timers,
    Transport,
)

__all__ = [
    "AsyncExchange",
    "AsyncTransport",
    "Exchange",
    "HttpRequest",
    "Network",
    "PoolLimits",
    "StaleConnection",
    "Timers",
    "Transport",
    "default_async_transport",
    "default_transport",
    "resolve_async_transport",
    "resolve_transport",
]

NAMES = ("curl", "httpx2")  # why in this order: docs/adr/0003-libcurl.md
PACKAGES = {"curl": "pycurl", "httpx2": "httpx2"}


def default_transport(network: Network = DEFAULT_NETWORK) -> Transport:
    """The transport of a client whose user chose none: curl, or httpx2 where pycurl cannot be imported."""
    return _named(_default(), network)


def default_async_transport(network: Network = DEFAULT_NETWORK) -> AsyncTransport:
    """`default_transport` for asyncio."""
    return _named_async(_default(), network)


def resolve_transport(value: Any, network: Network = DEFAULT_NETWORK) -> Transport:
    """The transport a user's `transport` option means; ConfigError saying what is accepted."""
    if value is None:
        return default_transport(network)
    if isinstance(value, str):
        return _named(_known(value), network)
    if (client := _as_httpx2(value, "Client", "BaseTransport")) is not None:
        from .httpx2 import Httpx2Transport

        _check_owned(network, but="pool")
        return Httpx2Transport(network, client)
    if _is_transport(value):
        _check_owned(network)
        return cast("Transport", value)
    raise _refused(value, "Client", "BaseTransport")


def resolve_async_transport(value: Any, network: Network = DEFAULT_NETWORK) -> AsyncTransport:
    """`resolve_transport` for asyncio."""
    if value is None:
        return default_async_transport(network)
    if isinstance(value, str):
        return _named_async(_known(value), network)
    if (client := _as_httpx2(value, "AsyncClient", "AsyncBaseTransport")) is not None:
        from .httpx2 import Httpx2AsyncTransport

        _check_owned(network, but="pool")
        return Httpx2AsyncTransport(network, client)
    if _is_transport(value):
        _check_owned(network)
        return cast("AsyncTransport", value)
    raise _refused(value, "AsyncClient", "AsyncBaseTransport")


def _named(name: str, network: Network) -> Transport:
    if name == "httpx2":
        from .httpx2 import Httpx2Transport

        return Httpx2Transport(network)
    from .curl import CurlTransport

    return CurlTransport(network)


def _named_async(name: str, network: Network) -> AsyncTransport:
    if name == "httpx2":
        from .httpx2 import Httpx2AsyncTransport

        return Httpx2AsyncTransport(network)
    from .curl import CurlAsyncTransport

    return CurlAsyncTransport(network)


def _known(name: str) -> str:
    if name not in NAMES:
        raise ConfigError(f"transport={name!r} is not known. Use one of {', '.join(map(repr, NAMES))}.")
    package = PACKAGES[name]
    if not _importable(package):
        raise ConfigError(
            f"transport={name!r} needs the package {package}, which cannot be imported: pip install {package}"
        )
    return name


def _default() -> str:
    return next((name for name in NAMES if _importable(PACKAGES[name])), NAMES[-1])


@cache
def _importable(package: str) -> bool:
    """Whether it can be imported; a wheel built for another system may be found and still fail."""
    try:
        importlib.import_module(package)
    except ImportError:
        return False
    return True


def _as_httpx2(value: Any, client: str, transport: str) -> Any:
    """An httpx2 client for the value; None if it has nothing to do with httpx2, which may be unloaded."""
    lib = sys.modules.get("httpx2")
    if lib is None:
        return None
    if isinstance(value, getattr(lib, client)):
        return value
    if isinstance(value, getattr(lib, transport)):
        return getattr(lib, client)(transport=value, timeout=None)
    return None


def _check_owned(network: Network, but: str | None = None) -> None:
    """ConfigError for an option that a transport of the user's own would not obey."""
    for one in fields(Network):
        if one.name != but and getattr(network, one.name) != getattr(DEFAULT_NETWORK, one.name):
            raise ConfigError(f"{one.name!r} has no effect on a transport of your own; set it there")


def _is_transport(value: Any) -> bool:
    return callable(getattr(value, "open", None)) and callable(getattr(value, "close", None))


def _refused(value: Any, client: str, transport: str) -> ConfigError:
    return ConfigError(
        f"transport={type(value).__name__} is not usable. Pass None, 'curl', 'httpx2', an "
        f"httpx2.{client}, an httpx2.{transport}, or an object with `open(request, timers)` and `close()`."
    )
