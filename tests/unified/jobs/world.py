"""Jobs in virtual time: the real client over the virtual network, the real job file, no threads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from llm_forge.runtime.scripted import Answer
from llm_forge.runtime.transports import HttpRequest
from llm_forge.unified import jobs
from tests.whole_system import servers
from tests.whole_system.network import Network, Server
from tests.whole_system.virtual_time import LoopClock, run

T = TypeVar("T")
MODEL = "openai/gpt-4o-mini"


async def inline(work: Callable[..., T], *arguments: Any) -> T:
    """Work that takes no virtual time."""
    return work(*arguments)


def healthy(seed: int = 1) -> Server:
    """A server that answers everything."""
    chance = Random(seed)

    def server(request: HttpRequest, now: float) -> Answer | Exception:
        return servers.ok(request, chance)

    return server


class Watched(Network):
    """A network that knows the most exchanges that were open at once, and what was asked."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.under_way = 0
        self.most = 0
        self.bodies: list[bytes] = []

    async def open(self, request: HttpRequest, timers: Any) -> Any:
        self.bodies.append(request.body or b"")
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            return await super().open(request, timers)
        finally:
            self.under_way -= 1

    def asked(self, text: str) -> int:
        """How many requests had this text."""
        return sum(text.encode() in body for body in self.bodies)


def run_job(path: Path, network: Network, inputs: Any, **options: Any) -> jobs.Job:
    """A job in virtual time."""
    client = {
        "api_key": "canary",
        "transport": network,
        "clock": LoopClock(),
        "random": Random(7).random,
        **options.pop("options", {}),
    }
    given: Any = {"options": client, "clock": LoopClock(), "offload": inline, **options}
    return run(jobs.arun(path, MODEL, inputs, **given))


def prompts(count: int) -> list[str]:
    """Prompts that differ."""
    return [f"Say item-{number}." for number in range(count)]
