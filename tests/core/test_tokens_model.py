"""Any order of callers, answers, failures, refusals and time against the rules of a token source."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from llm_forge.core.errors import AuthError
from llm_forge.core.secrets import Secret
from llm_forge.core.tokens import Flight, Granted, Join, Token, TokenSource, Use


class TokenSourceModel(RuleBasedStateMachine):
    """Keeps beside the source what a server would know: which refresh token is the valid one."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.number = 0
        self.source = TokenSource(Secret("refresh-0"))
        self.valid_refresh = "refresh-0"
        self.flying: Flight | None = None
        self.sent_with = ""
        self.began_at = 0.0
        self.waiting: dict[Flight, int] = {}
        self.ended: list[Flight] = []
        self.refused: list[Token] = []
        self.lifetimes: dict[str, tuple[float, float]] = {}

    @rule()
    def ask(self) -> None:
        answer = self.source.ask(self.now)
        if isinstance(answer, Use):
            self.check_use(answer.token)
        else:
            self.check_join(answer)

    def check_use(self, token: Token) -> None:
        assert not any(token is one for one in self.refused)
        asked_at, lifetime = self.lifetimes[token.access.reveal()]
        left = asked_at + lifetime - self.now
        assert left >= min(60.0, 0.2 * lifetime) - 1e-6

    def check_join(self, answer: Join) -> None:
        assert answer.begins == (self.flying is None)
        if answer.begins:
            self.flying, self.began_at = answer.flight, self.now
            assert self.source.refresh is not None
            self.sent_with = self.source.refresh.reveal()
            assert self.sent_with == self.valid_refresh
        assert answer.flight is self.flying
        self.waiting[answer.flight] = self.waiting.get(answer.flight, 0) + 1

    @rule(seconds=st.sampled_from([0.0, 0.5, 7.9, 30.0, 3540.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.flying is not None)
    @rule(lifetime=st.sampled_from([0.0, 1.0, 10.0, 300.0, 3600.0]), rotates=st.booleans())
    def answer(self, lifetime: float, rotates: bool) -> None:
        assert self.flying is not None
        self.number += 1
        access = f"access-{self.number}"
        refresh = f"refresh-{self.number}" if rotates else None
        self.valid_refresh = refresh or self.valid_refresh
        self.lifetimes[access] = (self.began_at, lifetime)
        grant = Granted(Secret(access), lifetime, Secret(refresh) if refresh else None)
        self.source.succeed(self.flying, grant, self.began_at)
        assert self.flying.token is self.source.token
        self.land()

    @precondition(lambda self: self.flying is not None)
    @rule()
    def fail(self) -> None:
        assert self.flying is not None
        self.source.fail(self.flying, AuthError("no"))
        assert self.flying.error is not None
        self.land()

    @precondition(lambda self: self.flying is not None)
    @rule()
    def lose(self) -> None:
        assert self.flying is not None
        self.source.lose(self.flying)
        self.land()

    def land(self) -> None:
        assert self.flying is not None
        self.ended.append(self.flying)
        self.flying = None

    @precondition(lambda self: self.source.token is not None)
    @rule()
    def refuse(self) -> None:
        token = self.source.token
        assert token is not None
        self.refused.append(token)
        self.source.refuse(token)

    @precondition(lambda self: self.refused)
    @rule()
    def refuse_again(self) -> None:
        before = self.source.token
        self.source.refuse(self.refused[0])
        assert self.source.token is before

    @precondition(lambda self: self.waiting)
    @rule(place=st.integers(0, 99))
    def leave(self, place: int) -> None:
        """A waiter that leaves tells nobody, and nothing changes (R-025)."""
        flight = sorted(self.waiting, key=id)[place % len(self.waiting)]
        self.waiting[flight] -= 1
        if not self.waiting[flight]:
            del self.waiting[flight]

    @invariant()
    def at_most_one_request_is_under_way(self) -> None:
        assert self.source.flight is self.flying

    @invariant()
    def every_request_that_ended_says_so(self) -> None:
        assert all(flight.over for flight in self.ended)

    @invariant()
    def the_refresh_token_is_the_one_the_server_gave_last(self) -> None:
        assert self.source.refresh == Secret(self.valid_refresh)


TestTokenSource = pytest.mark.requirement("R-024")(
    pytest.mark.requirement("R-025")(pytest.mark.requirement("R-027")(TokenSourceModel.TestCase))
)
TestTokenSource.settings = settings(max_examples=100, stateful_step_count=60, deadline=None, derandomize=True)
