"""Limits that processes and machines share through Redis: exact over all of them (R-105).

    limiter = RedisRateLimiter("redis://localhost", "openai-team-a", limits=[Limit("requests", 600, 60)])
    client = OpenAI(rate_limiter=limiter)

Rules of this file:
- Each limit is one number in Redis, by the generic cell rate algorithm: the instant at which all that was
  granted so far is paid for. One script reads and changes all limits of a request together, by Redis's own
  clock, so that no two processes can grant the same.
- What is not free yet is granted for later, and its caller sleeps until then: first come, first served over
  all processes, without polling. A process that dies in its sleep wastes what it was granted, nothing else.
- A server's Retry-After freezes all processes. What its headers report is heeded by the process that saw
  them.
- A call of Redis is one round trip and blocks its thread or loop for so long. Redis that cannot be reached
  is a TransportError: nothing is sent past a limit that cannot be asked. But an answer that came is not lost
  for it: then what was reserved stays charged.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any

from ..core.deadline import Deadline
from ..core.errors import ConfigError, RateLimitConfigError, RateLimitWaitError, TransportError
from ..core.limiter import Cost, Health, Limit, Reservation, Result, family_of, limits_of
from ..core.rate_headers import Observed
from ..runtime.gate import Gate
from ..runtime.io import Io
from ..runtime.rate_limiter import RateLimiter

_MICRO = 1_000_000
# KEYS: the freeze, then one for each limit. ARGV: what to do, the longest wait, then for each limit its cost,
# the time that one unit takes and the time that its burst is worth. All times are microseconds.
_SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local frozen = tonumber(redis.call('GET', KEYS[1]) or '0')
if ARGV[1] == 'frozen' then return math.max(0, math.ceil(frozen - now)) end
if ARGV[1] == 'freeze' then
  local till = now + tonumber(ARGV[2])
  if till > frozen then redis.call('SET', KEYS[1], string.format('%.0f', till), 'PX',
    math.ceil(tonumber(ARGV[2]) / 1000) + 1000) end
  return 0
end
local wait, paid = math.max(0, frozen - now), {}
for i = 2, #KEYS do
  local cost, unit, burst = tonumber(ARGV[3*i-3]), tonumber(ARGV[3*i-2]), tonumber(ARGV[3*i-1])
  local before = tonumber(redis.call('GET', KEYS[i]) or '0')
  if ARGV[1] == 'reserve' then before = math.max(before, now) end
  paid[i] = before + cost * unit
  wait = math.max(wait, paid[i] - burst - now)
end
if ARGV[1] == 'reserve' and wait > tonumber(ARGV[2]) then return -math.ceil(wait) end
for i = 2, #KEYS do
  local life = math.ceil((paid[i] - now) / 1000)
  if life > 0 then redis.call('SET', KEYS[i], string.format('%.0f', paid[i]), 'PX', life + 1000)
  else redis.call('DEL', KEYS[i]) end
end
return math.ceil(math.max(0, wait))
"""


class RedisRateLimiter(RateLimiter):
    """A `RateLimiter` whose declared limits hold for all processes that give the same `url` and `name`.

    `name` stands for the credential whose limits these are; all must declare the same. The other options are
    those of `RateLimiter`, and hold in each process. ConfigError without the package `redis` (extra `redis`).
    """

    def __init__(self, url: str, name: str, limits: Sequence[Limit] = (), **options: Any) -> None:
        super().__init__((), **options)
        self._made_of = partial(RedisRateLimiter, url, name, tuple(limits), **options)
        self._shared = tuple(limits)
        self._name = name
        self._redis = _connected(url)
        self._script = self._redis.register_script(_SCRIPT)
        self._gates_shared: dict[int, SharedGate] = {}
        self._guard = threading.Lock()

    def gate(self, model: str | None, elsewhere: str | None = None) -> Gate:
        """The limiter of a model or its family; that of another origin is not shared."""
        local = super().gate(model, elsewhere)
        if elsewhere is not None:
            return local
        family = family_of(model or "", self._shared)
        name = f"llm-forge:{{{self._name}:{(model or '') if family is None else family}}}"
        with self._guard:
            if id(local) not in self._gates_shared:
                limits = limits_of(family, self._shared)
                self._gates_shared[id(local)] = SharedGate(local, name, limits, self._script)
            return self._gates_shared[id(local)]

    def __reduce__(self) -> tuple[Callable[[], RedisRateLimiter], tuple[()]]:
        """One for the same limits: it may travel to workers on other machines, with the URL."""
        return self._made_of, ()

    def close(self) -> None:
        """Close the connections to Redis."""
        self._redis.close()


class SharedGate(Gate):
    """A gate whose limits are in Redis; what headers report, and the calls in flight, are kept here."""

    def __init__(self, local: Gate, name: str, limits: Sequence[Limit], script: Callable[..., Any]) -> None:
        self._local = local
        self._limits = limits
        self._script_of = script
        self._keys = [f"{name}:frozen", *(f"{name}:{place}:{one.unit}" for place, one in enumerate(limits))]

    async def enter(
        self, io: Io, cost: Cost, deadline: Deadline, max_wait: float | None = None
    ) -> tuple[Reservation, float]:
        """A reservation that all processes grant, and the seconds waited for it."""
        self._check_size(cost)
        reservation, waited = await self._local.enter(io, cost, deadline, max_wait)
        began = io.now()
        try:
            wait = self._reserve(cost, _longest(deadline.left(began), max_wait))
            try:
                while wait > 0:
                    await io.sleep(wait)
                    wait = self._ask("frozen") / _MICRO
            except BaseException:
                self._charge(cost, Cost(0))
                raise
        except BaseException:
            self._local.leave(reservation, io.now(), used=None, result="unsent")
            raise
        return reservation, waited + io.now() - began

    def leave(
        self,
        reservation: Reservation,
        now: float,
        *,
        used: Cost | None,
        result: Result,
        health: Health | None = None,
    ) -> None:
        """Settle a reservation: charge what was used instead of what was reserved."""
        self._local.leave(reservation, now, used=used, result=result, health=health)
        cost = reservation.cost
        if result == "unsent":
            self._charge(cost, Cost(0))
        elif result == "throttled":
            self._charge(cost, Cost(cost.requests))
        elif used is not None:
            self._charge(cost, Cost(cost.requests, used.input, used.output))

    def learn(self, observed: Sequence[Observed], now: float) -> None:
        """Take over what a response's headers say, in this process."""
        self._local.learn(observed, now)

    def pause(self, until: float, now: float) -> None:
        """Hold all new sends of all processes until then."""
        self._local.pause(until, now)
        if until > now:
            with contextlib.suppress(TransportError):
                self._ask("freeze", (until - now) * _MICRO)

    def snapshot(self, now: float) -> list[Any]:
        """What this process knows of each family."""
        return self._local.snapshot(now)

    def _check_size(self, cost: Cost) -> None:
        for limit in self._limits:
            if cost.of(limit.unit) > limit.capacity:
                raise RateLimitConfigError(
                    f"The request reserves {cost.of(limit.unit):.0f} {limit.unit}, more than the shared "
                    "limit admits at once; raise that limit's burst, or set max_tokens"
                )

    def _reserve(self, cost: Cost, longest: float) -> float:
        found = self._ask("reserve", min(longest * _MICRO, 1e15), cost) / _MICRO
        if found < 0:
            raise RateLimitWaitError(
                f"The shared limit would hold this call for {-found:.1f} s, longer than it may wait",
                retry_after=-found,
            )
        return found

    def _charge(self, reserved: Cost, used: Cost) -> None:
        if used != reserved:
            with contextlib.suppress(TransportError):
                self._ask("settle", 0, used - reserved)

    def _ask(self, what: str, amount: float = 0, cost: Cost | None = None) -> float:
        shown = [] if cost is None else self._costs(cost)
        keys = self._keys if cost is not None else self._keys[:1]
        redis_error = import_module("redis.exceptions").RedisError
        try:
            return float(self._script_of(keys=keys, args=[what, f"{amount:.0f}", *shown]))
        except redis_error as error:
            raise TransportError("Redis, which keeps the shared limits, does not answer") from error

    def _costs(self, cost: Cost) -> list[str]:
        return [
            repr(float(value))
            for limit in self._limits
            for value in (cost.of(limit.unit), _MICRO / limit.rate, _MICRO * limit.capacity / limit.rate)
        ]


def _longest(left: float | None, max_wait: float | None) -> float:
    accepted = 60.0 if max_wait is None else max_wait
    return accepted if left is None else min(left, accepted)


def _connected(url: str) -> Any:
    try:
        redis = import_module("redis")
    except ImportError as error:
        raise ConfigError("Shared limits need the package redis: pip install 'llm-forge[redis]'") from error
    try:
        return redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)
    except ValueError as error:
        raise ConfigError(f"shared limits: {error}") from error
