"""Every error a caller can catch (R-210), with the facts it carries as attributes (R-212).

    ForgeError
    ├── ConfigError                  an option, environment variable or description is wrong
    ├── InvalidRequestError          the request was refused before any I/O
    ├── LocalRejection               this client declined to send
    │   ├── CircuitOpenError
    │   ├── RateLimitWaitError
    │   ├── RateLimitConfigError
    │   └── ClientClosedError
    ├── AuthError                    a credential could not be obtained
    ├── DeadlineExceededError        the call's own time ran out (`phase` says where)
    ├── TransportError
    │   ├── ConnectError  TlsError  PoolTimeoutError  AttemptTimeoutError
    │   └── ConnectionLostError  ProtocolError  RedirectError  ResponseTooLargeError
    ├── ApiError                     the provider answered with an error
    │   ├── BadRequestError 400  AuthenticationError 401  QuotaExceededError 402
    │   ├── PermissionDeniedError 403  NotFoundError 404  ConflictError 409
    │   ├── RequestTooLargeError 413  UnprocessableError 422  RateLimitError 429
    │   ├── CapacityError 498
    │   └── ServerError 5xx
    │       └── OverloadedError 529  UnavailableError 503  GatewayTimeoutError 504
    ├── InvalidResponseError         a 2xx answer that is not what the operation returns
    ├── StreamError
    │   ├── StreamInterruptedError   the body ended before the stream did
    │   ├── StreamIdleError          no bytes for too long
    │   ├── StreamStallError         bytes, but no event for too long
    │   └── StreamDecodeError  StreamProtocolError
    ├── BatchError
    └── JournalError

Rules: the last real error is raised, never wrapped twice; the message says what to do next; no
credential and no request content is ever part of a message or repr (R-218).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from .call_context import CallContext

MESSAGE_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP exchange made for a call (R-081).

    `outcome` is the status as text or the error's class name; `started` and `duration` are seconds
    since the call began; `waited` is the sleep before this attempt, 0.0 for the first.
    """

    number: int
    outcome: str
    duration: float
    waited: float = 0.0
    request_id: str | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """One entry of a provider's validation report (R-215); `path` is dotted, e.g. `body.messages.0.role`."""

    path: str
    message: str
    type: str | None = None


@dataclass(frozen=True, slots=True)
class TriedModel:
    """A model of a chain that failed before the one that the error, or the answer, is about."""

    provider: str
    model: str
    kind: str
    message: str
    status: int | None = None
    request_id: str | None = None


class ForgeError(Exception):
    """The root of all errors of this library; absent facts are None.

    The facts of R-212 are keyword arguments and attributes of the same name. Durations are seconds.
    """

    message: str
    provider: str | None = None
    operation: str | None = None
    model: str | None = None
    call_id: str | None = None
    context: CallContext | None = None
    request_id: str | None = None
    status: int | None = None
    type: str | None = None
    code: str | None = None
    param: str | None = None
    details: Sequence[ErrorDetail] = ()
    attempts: Sequence[Attempt] = ()
    tried: Sequence[TriedModel] = ()
    elapsed: float | None = None
    retry_after: float | None = None
    retryable: bool = False
    mid_stream: bool = False
    circuit_open: bool = False
    retry_budget_exhausted: bool = False
    partial: Any = None
    events_seen: int | None = None
    last_event_id: str | None = None
    body: str | None = None
    headers: Mapping[str, str] | None = None
    phase: str | None = None

    def __init__(self, message: str = "", **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.enrich(**facts)

    @property
    def kind(self) -> str:
        """The class name, by which conformance compares errors of all languages."""
        return type(self).__name__

    def enrich(self, **facts: Any) -> ForgeError:
        """Set facts on this error and return it; unknown names are a TypeError."""
        for name, value in facts.items():
            if name not in FACTS:
                raise TypeError(f"{type(self).__name__} has no fact {name!r}")
            setattr(self, name, value)
        return self

    def facts(self) -> dict[str, Any]:
        """The facts of R-212 that differ from their default, by name."""
        return {name: value for name, value in vars(self).items() if name in FACTS}

    def to_dict(self) -> dict[str, Any]:
        """The error as plain JSON for another process or language (R-217); `from_dict` restores it.

        `kind` and `message`, the facts that are known, and `cause`: an error of ours likewise, a foreign
        one by its name only. `partial` is the JSON that had arrived.
        """
        facts = {name: _jsonable(value) for name, value in self.facts().items()}
        cause = self.__cause__
        if isinstance(cause, ForgeError):
            facts["cause"] = cause.to_dict()
        elif cause is not None:
            facts["cause"] = {"kind": _foreign_name(cause)}
        return {"kind": self.kind, "message": self.message, **facts}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> ForgeError:
        """The error that `to_dict` wrote, of its own class; an unknown kind becomes a plain ForgeError."""
        facts = {name: _restored_fact(name, value) for name, value in data.items() if name in FACTS}
        error = _class_of(data.get("kind"))(data.get("message") or "", **facts)
        cause = data.get("cause")
        if isinstance(cause, Mapping):
            known = "message" in cause
            error.__cause__ = ForgeError.from_dict(cause) if known else RuntimeError(str(cause.get("kind")))
        return error

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        shown = {k: v for k, v in self.facts().items() if k in _REPR_FACTS}
        extra = "".join(f", {name}={value!r}" for name, value in shown.items())
        return f"{type(self).__name__}({self.message!r}{extra})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restore, (type(self), self.message, self.facts(), _portable(self.__cause__)))


FACTS = frozenset(ForgeError.__annotations__) - {"message"}
_REPR_FACTS = ("provider", "operation", "status", "type", "code", "request_id", "retry_after", "phase")


def _restore(
    cls: type[ForgeError], message: str, facts: dict[str, Any], cause: BaseException | None
) -> ForgeError:
    error = cls(message, **facts)
    error.__cause__ = cause
    return error


def _portable(cause: BaseException | None) -> BaseException | None:
    """The cause as another process may see it: a foreign exception only by name, since it may hold
    sockets, which do not pickle, or text that was never redacted (R-217).
    """
    if cause is None or isinstance(cause, ForgeError):
        return cause
    return RuntimeError(_foreign_name(cause))


def _foreign_name(cause: BaseException) -> str:
    if type(cause) is RuntimeError and _NAME.fullmatch(str(cause)):
        return str(cause)  # it crossed a process before
    return f"{type(cause).__module__}.{type(cause).__qualname__}"


_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_<]\w*>?)+")


def _jsonable(value: Any) -> Any:
    if is_dataclass(value):
        value = {one.name: getattr(value, one.name) for one in fields(value)}
    elif hasattr(value, "to_dict"):
        value = value.to_dict()
    if isinstance(value, Mapping):
        return {name: _jsonable(entry) for name, entry in value.items()}
    return [_jsonable(entry) for entry in value] if isinstance(value, (list, tuple)) else value


def _restored_fact(name: str, value: Any) -> Any:
    make = _FACT_CLASSES.get(name)
    if make is None or value is None:
        return value
    return tuple(_made(make, one) for one in value) if isinstance(value, list) else _made(make, value)


def _made(make: type[Any], value: Mapping[str, Any]) -> Any:
    """A dataclass of its fields; those that this version does not know are dropped."""
    known = {one.name for one in fields(make)}
    return make(**{name: entry for name, entry in value.items() if name in known})


_FACT_CLASSES: Mapping[str, type[Any]] = {
    "attempts": Attempt,
    "tried": TriedModel,
    "details": ErrorDetail,
    "context": CallContext,
}


def _class_of(kind: Any) -> type[ForgeError]:
    waiting: list[type[ForgeError]] = [ForgeError]
    while waiting:
        cls = waiting.pop()
        if cls.__name__ == kind:
            return cls
        waiting.extend(cls.__subclasses__())
    return ForgeError


class ConfigError(ForgeError):
    """An option, environment variable, file or description is wrong; the message names it."""


class InvalidRequestError(ForgeError):
    """The request was refused before any I/O (R-202, R-240)."""


class LocalRejection(ForgeError):  # noqa: N818 - the name the contract gives it (R-210)
    """This client declined to send the request."""


class CircuitOpenError(LocalRejection):
    """The breaker of this origin and group is open; `retry_after` says for how long (R-094)."""


class RateLimitWaitError(LocalRejection):
    """The local limiter would make the call wait too long; `retry_after` is the projection (R-112)."""


class RateLimitConfigError(LocalRejection):
    """The request can never fit into the declared limit (R-110)."""


class ClientClosedError(LocalRejection):
    """The client was closed before or during the call (R-042)."""


class AuthError(ForgeError):
    """A credential could not be obtained (R-007, R-029)."""


class DeadlineExceededError(ForgeError):
    """The call's time ran out; `phase` is where, the cause is the last attempt's error (R-055)."""


class TransportError(ForgeError):
    """The exchange itself failed, below the provider's own answer."""


class ConnectError(TransportError):
    """No connection could be made: refused, unreachable, DNS, or the connect timer."""


class TlsError(TransportError):
    """The certificate or host name was not accepted; never retried."""


class PoolTimeoutError(TransportError):
    """No connection of the pool became free in time (R-037)."""


class AttemptTimeoutError(TransportError):
    """One attempt took longer than its own timer (R-051)."""


class ConnectionLostError(TransportError):
    """The connection ended before the response did (R-199)."""


class ProtocolError(TransportError):
    """The peer broke HTTP or a content encoding (R-197)."""


class RedirectError(TransportError):
    """A redirect that is not followed; the message shows the target origin only (R-041)."""


class ResponseTooLargeError(TransportError):
    """A response limit of R-195 or R-132 was crossed; never retried."""


class ApiError(ForgeError):
    """The provider answered with an error status or error event."""


class BadRequestError(ApiError):
    """400."""


class AuthenticationError(ApiError):
    """401: the key is missing, wrong or revoked."""


class QuotaExceededError(ApiError):
    """402, or a 429 that waiting does not cure (R-072)."""


class PermissionDeniedError(ApiError):
    """403."""


class NotFoundError(ApiError):
    """404: often an unknown model or id."""


class ConflictError(ApiError):
    """409."""


class RequestTooLargeError(ApiError):
    """413."""


class UnprocessableError(ApiError):
    """422."""


class RateLimitError(ApiError):
    """429; `retry_after` is the server's wait if it named one."""


class CapacityError(ApiError):
    """498: no flex capacity right now."""


class ServerError(ApiError):
    """5xx."""


class OverloadedError(ServerError):
    """529."""


class UnavailableError(ServerError):
    """503."""


class GatewayTimeoutError(ServerError):
    """504."""


class InvalidResponseError(ForgeError):
    """A 2xx answer that is empty, not JSON or of the wrong shape (R-198)."""


class StreamError(ForgeError):
    """A stream that did not end well; `partial` is what arrived (R-146)."""


class StreamInterruptedError(StreamError):
    """The body ended before the stream did (R-144)."""


class StreamIdleError(StreamError):
    """No bytes arrived for the idle time (R-051)."""


class StreamStallError(StreamError):
    """Bytes arrived, but no event for the stall time (R-051)."""


class StreamDecodeError(StreamError):
    """An event whose data is not valid JSON (R-147)."""


class StreamProtocolError(StreamError):
    """Events in an order the stream family does not allow (R-170, R-171)."""


class BatchError(ForgeError):
    """A batch could not be run or resumed."""


class JournalError(ForgeError):
    """A journal is corrupt, locked or belongs to other inputs (R-183, R-185)."""


_CLASS_OF_STATUS: Mapping[int, type[ApiError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: QuotaExceededError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    413: RequestTooLargeError,
    422: UnprocessableError,
    429: RateLimitError,
    498: CapacityError,
    503: UnavailableError,
    504: GatewayTimeoutError,
    529: OverloadedError,
}


def class_for_status(status: int) -> type[ApiError]:
    """The error class of an HTTP status; never untyped (R-210, R-211)."""
    return _CLASS_OF_STATUS.get(status) or (ServerError if 500 <= status <= 599 else ApiError)
