"""The way to one provider: its clients for threads and for asyncio, made when they are first needed.

Both share one `RateLimiter`, since they use one credential (R-105).
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from operator import attrgetter
from typing import Any

from ..core.profile import Profile
from ..runtime.client import AsyncClient, SyncClient
from ..runtime.noted import Noted
from ..runtime.options import LIMITER_NAMES
from .capabilities import Capabilities


@dataclass(frozen=True, slots=True)
class Provider:
    """What a connection needs to know: name, client classes, and what generates text how."""

    name: str
    sync: type[SyncClient]
    asynchronous: type[AsyncClient]
    resource: Callable[[Any], Any]
    can: Capabilities

    @property
    def profile(self) -> Profile:
        """The facts of the provider's description."""
        return self.sync.profile


def load_provider(package: str, client: str, name: str, changed: Mapping[str, Any]) -> Provider:
    """A provider by its generated package; `changed` replaces facts of its profile, for a server like it."""
    module = import_module(f"..clients.{package}", __package__)
    sync, asynchronous = getattr(module, client), getattr(module, f"Async{client}")
    if changed:
        facts = {"profile": replace(sync.profile, **changed), "__doc__": sync.__doc__}
        sync, asynchronous = type(client, (sync,), facts), type(f"Async{client}", (asynchronous,), facts)
    text = sync.profile.capabilities["text"]
    resource = attrgetter(text["operation"].rpartition(".")[0])
    return Provider(name, sync, asynchronous, resource, Capabilities.read(text))


class Exchange(Noted):
    """What is known of the call that is made inside, beside its answer."""

    __slots__ = ()

    @property
    def request_id(self) -> str | None:
        """The provider's id of the latest response."""
        return None if self.call is None else self.call.request_id

    @property
    def attempts(self) -> int:
        """HTTP exchanges so far."""
        return 0 if self.call is None else self.call.number

    def tell_item(self, outcome: str, **facts: Any) -> None:
        """Tell the hooks of the call's client what became of the item it was made for (R-230)."""
        if self.call is not None:
            self.call.emit("batch-item", outcome=outcome, **facts)


class Connection:
    """The clients of one provider with one set of options."""

    def __init__(self, provider: Provider, options: Mapping[str, Any]) -> None:
        self.provider = provider
        self._options = dict(options)
        self._lock = threading.Lock()
        self._sync: SyncClient | None = None
        self._async: AsyncClient | None = None
        if not options.keys() & {"transport", "middleware"} and not _is_async(options.get("api_key")):
            self.client()  # opens nothing; a missing key or a wrong option is told now

    def client(self) -> SyncClient:
        """The client for threads."""
        with self._lock:
            if self._sync is None:
                self._sync = self.provider.sync(**self._shared(self._async))
            return self._sync

    def async_client(self) -> AsyncClient:
        """The client for asyncio."""
        with self._lock:
            if self._async is None:
                self._async = self.provider.asynchronous(**self._shared(self._sync))
            return self._async

    def _shared(self, other: SyncClient | AsyncClient | None) -> dict[str, Any]:
        """The options, with the limiter of the other client if there is one."""
        if other is None:
            return self._options
        own = {name: value for name, value in self._options.items() if name not in LIMITER_NAMES}
        return {**own, "rate_limiter": other.rate_limiter}

    def close(self) -> None:
        """Close the client for threads, once its calls have ended; safe to repeat."""
        if self._sync is not None:
            self._sync.close()

    async def aclose(self) -> None:
        """Close both clients; safe to repeat."""
        if self._async is not None:
            await self._async.close()
        self.close()


def _is_async(function: Any) -> bool:
    return inspect.iscoroutinefunction(function)
