"""Reliable clients for large language model APIs, one vocabulary for all of them.

    from llm_forge import Anthropic
    with Anthropic() as client:
        message = client.messages.create(model=..., max_tokens=..., messages=[...])

Names load on first use, so that importing this package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .core.version import VERSION as __version__  # noqa: N811 - the name Python tools look for

if TYPE_CHECKING:
    from .clients.anthropic import Anthropic, AsyncAnthropic
    from .clients.groq import AsyncGroq, Groq
    from .clients.mistral import AsyncMistral, Mistral
    from .clients.openai import AsyncOpenAI, OpenAI
    from .clients.openai_compatible import AsyncOpenAICompatible, OpenAICompatible
    from .core.breaker import BreakerSettings
    from .core.call_context import CallContext
    from .core.errors import (
        ApiError,
        AttemptTimeoutError,
        AuthenticationError,
        AuthError,
        BadRequestError,
        BatchError,
        CapacityError,
        CircuitOpenError,
        ClientClosedError,
        ConfigError,
        ConflictError,
        ConnectError,
        ConnectionLostError,
        DeadlineExceededError,
        ForgeError,
        GatewayTimeoutError,
        InvalidRequestError,
        InvalidResponseError,
        JournalError,
        LocalRejection,
        NotFoundError,
        OverloadedError,
        PermissionDeniedError,
        PoolTimeoutError,
        ProtocolError,
        QuotaExceededError,
        RateLimitConfigError,
        RateLimitError,
        RateLimitWaitError,
        RedirectError,
        RequestTooLargeError,
        ResponseTooLargeError,
        ServerError,
        StreamDecodeError,
        StreamError,
        StreamIdleError,
        StreamInterruptedError,
        StreamProtocolError,
        StreamStallError,
        TlsError,
        TransportError,
        TriedModel,
        UnavailableError,
        UnprocessableError,
    )
    from .core.limiter import Limit
    from .core.secrets import Secret
    from .core.stream import Decoded
    from .core.views import View
    from .core.webhooks import WebhookScheme
    from .runtime.auth.api_key import ApiKey
    from .runtime.auth.basic import Basic
    from .runtime.auth.bearer import Bearer
    from .runtime.auth.custom import AuthProvider, AuthRequest
    from .runtime.auth.oauth2 import OAuth2
    from .runtime.background import BackgroundHook
    from .runtime.circuit import Circuit
    from .runtime.consume import Progress
    from .runtime.download import AsyncDownload, AsyncLines, Download, Lines
    from .runtime.enclosing import deadline
    from .runtime.events import Event
    from .runtime.fetch import Fetched, fetch_url, fetch_url_async
    from .runtime.health import Health
    from .runtime.logs import Logging
    from .runtime.middleware import AsyncMiddleware, Middleware, Request, Response
    from .runtime.options import OMIT
    from .runtime.rate_limiter import RateLimiter
    from .runtime.stream import AsyncStream, Stream
    from .runtime.transports.protocol import PoolLimits
    from .runtime.uploads import Upload
    from .runtime.webhooks import verify_webhook
    from .unified import (
        AsyncReplyStream,
        BatchResult,
        Cost,
        LanguageModel,
        Message,
        Optimizer,
        Piece,
        Reply,
        ReplyStream,
        StreamProgress,
        Tool,
        ToolCall,
        Usage,
        get_llm,
        jobs,
    )
    from .unified.convenience import (
        abatch,
        ainvoke,
        astream,
        astream_to_file,
        batch,
        invoke,
        stream,
        stream_to_file,
    )
    from .unified.messages import assistant, file, image, system, tool, uploaded, user

_HOMES = {
    "clients.anthropic": ("Anthropic", "AsyncAnthropic"),
    "clients.groq": ("AsyncGroq", "Groq"),
    "clients.mistral": ("AsyncMistral", "Mistral"),
    "clients.openai": ("AsyncOpenAI", "OpenAI"),
    "clients.openai_compatible": ("AsyncOpenAICompatible", "OpenAICompatible"),
    "core.breaker": ("BreakerSettings",),
    "core.call_context": ("CallContext",),
    "core.errors": (
        "TriedModel",
        "ApiError",
        "AttemptTimeoutError",
        "AuthError",
        "AuthenticationError",
        "BadRequestError",
        "BatchError",
        "CapacityError",
        "CircuitOpenError",
        "ClientClosedError",
        "ConfigError",
        "ConflictError",
        "ConnectError",
        "ConnectionLostError",
        "DeadlineExceededError",
        "ForgeError",
        "GatewayTimeoutError",
        "InvalidRequestError",
        "InvalidResponseError",
        "JournalError",
        "LocalRejection",
        "NotFoundError",
        "OverloadedError",
        "PermissionDeniedError",
        "PoolTimeoutError",
        "ProtocolError",
        "QuotaExceededError",
        "RateLimitConfigError",
        "RateLimitError",
        "RateLimitWaitError",
        "RedirectError",
        "RequestTooLargeError",
        "ResponseTooLargeError",
        "ServerError",
        "StreamDecodeError",
        "StreamError",
        "StreamIdleError",
        "StreamInterruptedError",
        "StreamProtocolError",
        "StreamStallError",
        "TlsError",
        "TransportError",
        "UnavailableError",
        "UnprocessableError",
    ),
    "core.limiter": ("Limit",),
    "core.secrets": ("Secret",),
    "core.stream": ("Decoded",),
    "core.views": ("View",),
    "core.webhooks": ("WebhookScheme",),
    "runtime.auth.api_key": ("ApiKey",),
    "runtime.auth.basic": ("Basic",),
    "runtime.auth.bearer": ("Bearer",),
    "runtime.auth.custom": ("AuthProvider", "AuthRequest"),
    "runtime.auth.oauth2": ("OAuth2",),
    "runtime.circuit": ("Circuit",),
    "runtime.download": ("AsyncDownload", "AsyncLines", "Download", "Lines"),
    "runtime.consume": ("Progress",),
    "runtime.enclosing": ("deadline",),
    "runtime.events": ("Event",),
    "runtime.fetch": ("Fetched", "fetch_url", "fetch_url_async"),
    "runtime.background": ("BackgroundHook",),
    "runtime.health": ("Health",),
    "runtime.logs": ("Logging",),
    "runtime.middleware": ("AsyncMiddleware", "Middleware", "Request", "Response"),
    "runtime.options": ("OMIT",),
    "runtime.rate_limiter": ("RateLimiter",),
    "runtime.stream": ("AsyncStream", "Stream"),
    "runtime.transports.protocol": ("PoolLimits",),
    "runtime.uploads": ("Upload",),
    "runtime.webhooks": ("verify_webhook",),
    "unified": (
        "AsyncReplyStream",
        "BatchResult",
        "Cost",
        "LanguageModel",
        "Message",
        "Optimizer",
        "Piece",
        "Reply",
        "ReplyStream",
        "StreamProgress",
        "Tool",
        "ToolCall",
        "Usage",
        "get_llm",
    ),
    "unified.messages": (
        "assistant",
        "file",
        "image",
        "system",
        "tool",
        "uploaded",
        "user",
    ),
    "unified.convenience": (
        "abatch",
        "ainvoke",
        "astream",
        "astream_to_file",
        "batch",
        "invoke",
        "stream",
        "stream_to_file",
    ),
}
_MODULES = {"jobs": "unified.jobs"}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "OMIT",
    "Anthropic",
    "ApiError",
    "ApiKey",
    "AsyncAnthropic",
    "AsyncDownload",
    "AsyncGroq",
    "AsyncLines",
    "AsyncMiddleware",
    "AsyncMistral",
    "AsyncOpenAI",
    "AsyncOpenAICompatible",
    "AsyncReplyStream",
    "AsyncStream",
    "AttemptTimeoutError",
    "AuthError",
    "AuthProvider",
    "AuthRequest",
    "AuthenticationError",
    "BackgroundHook",
    "BadRequestError",
    "Basic",
    "BatchError",
    "BatchResult",
    "Bearer",
    "BreakerSettings",
    "CallContext",
    "CapacityError",
    "Circuit",
    "CircuitOpenError",
    "ClientClosedError",
    "ConfigError",
    "ConflictError",
    "ConnectError",
    "ConnectionLostError",
    "Cost",
    "DeadlineExceededError",
    "Decoded",
    "Download",
    "Event",
    "Fetched",
    "ForgeError",
    "GatewayTimeoutError",
    "Groq",
    "Health",
    "InvalidRequestError",
    "InvalidResponseError",
    "JournalError",
    "LanguageModel",
    "Limit",
    "Lines",
    "LocalRejection",
    "Logging",
    "Message",
    "Middleware",
    "Mistral",
    "NotFoundError",
    "OAuth2",
    "OpenAI",
    "OpenAICompatible",
    "Optimizer",
    "OverloadedError",
    "PermissionDeniedError",
    "Piece",
    "PoolLimits",
    "PoolTimeoutError",
    "Progress",
    "ProtocolError",
    "QuotaExceededError",
    "RateLimitConfigError",
    "RateLimitError",
    "RateLimitWaitError",
    "RateLimiter",
    "RedirectError",
    "Reply",
    "ReplyStream",
    "Request",
    "RequestTooLargeError",
    "Response",
    "ResponseTooLargeError",
    "Secret",
    "ServerError",
    "Stream",
    "StreamDecodeError",
    "StreamError",
    "StreamIdleError",
    "StreamInterruptedError",
    "StreamProgress",
    "StreamProtocolError",
    "StreamStallError",
    "TlsError",
    "Tool",
    "ToolCall",
    "TransportError",
    "TriedModel",
    "UnavailableError",
    "UnprocessableError",
    "Upload",
    "Usage",
    "View",
    "WebhookScheme",
    "__version__",
    "abatch",
    "ainvoke",
    "assistant",
    "astream",
    "astream_to_file",
    "batch",
    "deadline",
    "fetch_url",
    "fetch_url_async",
    "file",
    "get_llm",
    "image",
    "invoke",
    "jobs",
    "stream",
    "stream_to_file",
    "system",
    "tool",
    "uploaded",
    "user",
    "verify_webhook",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f".{_MODULES[name]}", __name__)
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
