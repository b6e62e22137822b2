"""The HTTP transports: the default, the alternatives, and what a user may pass as `transport`.

Nothing here imports an HTTP library before a transport is made.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any, cast

from ...core.errors import ConfigError
from .limits import DEFAULT_LIMITS
from .protocol import (
    AsyncExchange,
    AsyncTransport,
    Exchange,
    HttpRequest,
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
    "PoolLimits",
    "StaleConnection",
    "Timers",
    "Transport",
    "default_async_transport",
    "default_transport",
    "resolve_async_transport",
    "resolve_transport",
]

NAMES = ("httpx2", "pyreqwest")
DEFAULT = NAMES[0]  # why not the other: docs/adr/0001-transport.md


def default_transport(limits: PoolLimits = DEFAULT_LIMITS) -> Transport:
    """The transport of a client whose user chose none: httpx2."""
    return _named(DEFAULT, limits)


def default_async_transport(limits: PoolLimits = DEFAULT_LIMITS) -> AsyncTransport:
    """`default_transport` for asyncio."""
    return _named_async(DEFAULT, limits)


def resolve_transport(value: Any, limits: PoolLimits = DEFAULT_LIMITS) -> Transport:
    """The transport a user's `transport` option means; ConfigError saying what is accepted."""
    if value is None:
        return default_transport(limits)
    if isinstance(value, str):
        return _named(_known(value), limits)
    if (client := _as_httpx2(value, "Client", "BaseTransport")) is not None:
        from .httpx2 import Httpx2Transport

        return Httpx2Transport(limits, client)
    if _is_transport(value):
        return cast("Transport", value)
    raise _refused(value, "Client", "BaseTransport")


def resolve_async_transport(value: Any, limits: PoolLimits = DEFAULT_LIMITS) -> AsyncTransport:
    """`resolve_transport` for asyncio."""
    if value is None:
        return default_async_transport(limits)
    if isinstance(value, str):
        return _named_async(_known(value), limits)
    if (client := _as_httpx2(value, "AsyncClient", "AsyncBaseTransport")) is not None:
        from .httpx2 import Httpx2AsyncTransport

        return Httpx2AsyncTransport(limits, client)
    if _is_transport(value):
        return cast("AsyncTransport", value)
    raise _refused(value, "AsyncClient", "AsyncBaseTransport")


def _named(name: str, limits: PoolLimits) -> Transport:
    if name == "httpx2":
        from .httpx2 import Httpx2Transport

        return Httpx2Transport(limits)
    from .pyreqwest import PyreqwestTransport

    return PyreqwestTransport(limits)


def _named_async(name: str, limits: PoolLimits) -> AsyncTransport:
    if name == "httpx2":
        from .httpx2 import Httpx2AsyncTransport

        return Httpx2AsyncTransport(limits)
    from .pyreqwest import PyreqwestAsyncTransport

    return PyreqwestAsyncTransport(limits)


def _known(name: str) -> str:
    if name not in NAMES:
        raise ConfigError(f"transport={name!r} is not known. Use one of {', '.join(map(repr, NAMES))}.")
    if name not in sys.modules and find_spec(name) is None:
        raise ConfigError(f"transport={name!r} needs a package that is not installed: pip install {name}")
    return name


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


def _is_transport(value: Any) -> bool:
    return callable(getattr(value, "open", None)) and callable(getattr(value, "close", None))


def _refused(value: Any, client: str, transport: str) -> ConfigError:
    return ConfigError(
        f"transport={type(value).__name__} is not usable. Pass None, 'pyreqwest', 'httpx2', an "
        f"httpx2.{client}, an httpx2.{transport}, or an object with `open(request, timers)` and `close()`."
    )
