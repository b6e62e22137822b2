"""One call in progress: what it is, what it knows, and what it tells (R-050)."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ..core.answer_facts import answer_facts
from ..core.budget import RetryBudget
from ..core.call_context import CallContext
from ..core.codec import encode
from ..core.deadline import Deadline
from ..core.error_body import request_id_of
from ..core.errors import Attempt, ClientClosedError, DeadlineExceededError, ForgeError, InvalidRequestError
from ..core.headers import Headers
from ..core.profile import Operation
from ..core.redact import Redactor
from ..core.retry import Retry
from ..core.secrets import Secret
from ..core.tokens import Token
from .base_url import origin_of
from .circuit import Circuit
from .enclosing import call_deadline
from .events import Event, EventName
from .gate import Gate
from .io import Io
from .noted import note
from .options import Extras, Settings
from .request import Prepared, is_keyed, prepare_again
from .shared import Shared
from .transports.protocol import HttpRequest


@dataclass(slots=True)
class Call:
    """One call in progress: its context (R-050) and the record of its attempts."""

    shared: Shared
    io: Io
    operation: Operation[Any, Any]
    prepared: Prepared
    settings: Settings
    extras: Extras
    deadline: Deadline
    started: float
    streaming: bool = False
    id: str = field(default_factory=lambda: os.urandom(16).hex())
    number: int = 0
    began: float = 0.0
    plan: Retry | None = None
    attempts: list[Attempt] = field(default_factory=list)
    timeouts: int = 0
    last_error: ForgeError | None = None
    response_headers: Headers | None = None
    secrets: list[Secret] = field(default_factory=list)
    token: Token | None = None
    renewals: int = 0
    response_status: int | None = None
    owner: int = 0
    _context: CallContext | None = None

    @property
    def redactor(self) -> Redactor:
        """Removes every credential of this call and its client from texts; made when an error needs it."""
        carried = self.shared.carried_secrets(self.prepared.request.headers)
        return self.shared.redactor((*self.secrets, *self.shared.auth.secrets(), *carried))

    @property
    def request_id(self) -> str | None:
        """The provider's id of the latest response (R-213)."""
        if self.response_headers is None:
            return None
        found = request_id_of(self.response_headers, self.shared.profile)
        return None if found is None else self.redactor.text(found)

    def restarted(self) -> Call:
        """This call with its clock starting now: a stream's time begins when it is opened."""
        now = self.io.now()
        timeout = self.settings.call_timeout(streaming=True)
        return replace(self, started=now, deadline=call_deadline(timeout, now), _context=None)

    @property
    def elsewhere(self) -> str | None:
        """The origin of a URL that is not at this client's own origin, None for all others.

        Its circuit, limits and budget are apart: a storage host that fails says nothing of the API (R-090).
        """
        url, base = self.prepared.request.url, self.shared.base_url
        if url.startswith(f"{base}/"):
            return None
        origin = origin_of(url)
        return origin if origin != origin_of(base) else None

    @property
    def circuit(self) -> Circuit:
        """The circuit that this call passes."""
        return self.shared.circuit(self.operation.group, self.prepared.model, self.elsewhere)

    @property
    def gate(self) -> Gate:
        """The limiter that this call passes."""
        return self.shared.limiter.gate(self.prepared.model, self.elsewhere)

    @property
    def budget(self) -> RetryBudget:
        """What pays for this call's retries; guarded by the client's lock."""
        return self.shared.budget_of(self.elsewhere)

    @property
    def replayable(self) -> bool:
        """Whether sending the request again cannot do a thing twice (R-076)."""
        replay = self.operation.replay
        return replay == "safe" or (replay == "keyed" and self.keyed)

    @property
    def keyed(self) -> bool:
        """Whether the request carries an idempotency key that the provider honours (R-077)."""
        return is_keyed(self.prepared.request, self.shared.profile)

    @property
    def is_watched(self) -> bool:
        """Whether anybody may still ask how a successful attempt went: a stream may yet fail."""
        shared = self.shared
        return self.streaming or bool(shared.hooks or shared.steps.call or shared.steps.attempt)

    def begin_attempt(self, plan: Retry | None) -> None:
        """Start the attempt that `plan` led to, None for the first."""
        latest = self.attempts[-1].number if self.attempts else 0
        self.number, self.plan, self.began = max(latest, self.number) + 1, plan, self.io.now()
        self.response_headers, self.response_status = None, None
        self.tell_attempt()

    def tell_attempt(self) -> None:
        """Say that the attempt begins."""
        self.emit("attempt-start", method=self.prepared.request.method)

    def branch(self, number: int, plan: Retry | None) -> Call:
        """A copy for one of two attempts that run at once; the list of attempts is the same."""
        return replace(self, number=number, plan=plan, began=self.io.now(), _context=None)

    def adopt(self, branch: Call) -> None:
        """Take over what a branch knows of its attempt."""
        for name in ("number", "plan", "began", "token", "response_headers", "response_status"):
            setattr(self, name, getattr(branch, name))

    @property
    def context(self) -> CallContext:
        """This call, and its running attempt, as others see it; made only when somebody looks."""
        if self._context is None or self._context.attempt != self.number:
            self._context = CallContext(
                call_id=self.id,
                provider=self.shared.profile.name,
                operation=self.operation.name,
                model=self.prepared.model,
                stream=self.streaming,
                attempt=self.number,
                started=self.started,
                deadline=self.deadline.at,
                origin=origin_of(self.prepared.request.url),
                trace_parent=self.extras.trace_parent,
                metadata=self.settings.call_metadata,
            )
        return self._context

    def asking(self, request: HttpRequest) -> Call:
        """This call, with the request that its middleware has made."""
        if request is not self.prepared.request:
            self.prepared = prepare_again(self.prepared, request)
            self._context = None
        return self

    def begin(self) -> None:
        """Count this call as running and say so; ClientClosedError if the client is closed."""
        note(self)
        self.owner = self.io.owner()
        self.shared.begin(self.owner)
        facts = {"provider": self.shared.profile.name, "operation": self.operation.name}
        self.emit("call-start", **facts, model=self.prepared.model, stream=self.streaming)

    def finish(self, outcome: str, answer: Any = None, **facts: Any) -> None:
        """Count this call as over: `ok`, `left` (a stream nobody read to its end), or what ended it.

        `answer` is the JSON that the caller gets, or has got so far.
        """
        if self.shared.hooks:
            self._tell_content(answer)
            facts |= answer_facts(answer) | {"elapsed": self.io.now() - self.started}
            status, attempts = self.response_status, len(self.attempts)
            self.emit("call-end", outcome=outcome, status=status, attempts=attempts, **facts)
        self.shared.end(self.owner)

    def _tell_content(self, answer: Any) -> None:
        if not self.shared.hooks.readers:
            return
        asked, redactor = self.prepared.request.body, self.redactor
        bodies: list[tuple[Literal["request", "response"], bytes | None]] = [
            ("request", asked if isinstance(asked, bytes) else None),
            ("response", _encoded(answer)),
        ]
        for kind, body in bodies:
            if body is not None:
                text = redactor.text(body.decode("utf-8", "replace"))
                self.shared.hooks.tell_content(self.context, kind, text)

    def emit(self, name: EventName, /, **facts: Any) -> None:
        """Tell the client's hooks; costs next to nothing where there are none (R-235)."""
        if self.shared.hooks:
            self.shared.hooks.tell(Event(name, self.context, facts))

    def fail_last(self, error: ForgeError) -> None:
        """Record that the latest attempt, a stream that had begun, failed after all."""
        self.attempts[-1] = replace(self.attempts[-1], outcome=error.kind, status=error.status)

    def enrich(self, error: ForgeError) -> ForgeError:
        """Add what this call knows to an error that is about to reach the user (R-212)."""
        error.enrich(
            provider=self.shared.profile.name,
            operation=self.operation.name,
            model=self.prepared.model,
            call_id=self.id,
            context=self.context,
            attempts=tuple(self.attempts),
            elapsed=self.io.now() - self.started,
        )
        if error.request_id is None:
            error.request_id = self.request_id
        return error


def _encoded(answer: Any) -> bytes | None:
    try:
        return encode(answer) if isinstance(answer, (dict, list)) else None
    except InvalidRequestError:
        return None  # middleware answered with what is no JSON; the call is not to fail for it


def outcome_name(error: BaseException) -> str:
    """How a call that ended with this error is reported."""
    if isinstance(error, ForgeError):
        return error.kind
    return "raised" if isinstance(error, Exception) else "cancelled"


def closed_under(call: Call) -> ForgeError:
    """The error of a call that a closing client did not let finish (R-042)."""
    return call.enrich(ClientClosedError("The client was closed while this call ran"))


def or_deadline(call: Call, error: ForgeError, phase: str) -> ForgeError:
    """The deadline's error if it is the deadline that fired, else the error itself (R-055)."""
    if not call.deadline.expired(call.io.now()):
        return error
    late = DeadlineExceededError(f"The call's deadline passed in phase {phase}", phase=phase)
    late.__cause__ = call.last_error or error
    return late
