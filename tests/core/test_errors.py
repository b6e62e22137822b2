"""The error tree: every class, every status, all facts, also in another process."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import threading
from typing import Any

import pytest

from llm_forge.core import errors
from llm_forge.core.call_context import CallContext
from llm_forge.core.errors import FACTS, Attempt, ErrorDetail, ForgeError, TriedModel, class_for_status
from llm_forge.core.views import View

CLASSES = [found for _, found in inspect.getmembers(errors, inspect.isclass) if issubclass(found, ForgeError)]
TREE = """
ForgeError > ConfigError InvalidRequestError LocalRejection AuthError DeadlineExceededError
ForgeError > TransportError ApiError InvalidResponseError StreamError BatchError JournalError
LocalRejection > CircuitOpenError RateLimitWaitError RateLimitConfigError ClientClosedError
TransportError > ConnectError TlsError PoolTimeoutError AttemptTimeoutError ConnectionLostError
TransportError > ProtocolError RedirectError ResponseTooLargeError
ApiError > BadRequestError AuthenticationError QuotaExceededError PermissionDeniedError NotFoundError
ApiError > ConflictError RequestTooLargeError UnprocessableError RateLimitError CapacityError ServerError
ServerError > OverloadedError UnavailableError GatewayTimeoutError
StreamError > StreamInterruptedError StreamIdleError StreamStallError StreamDecodeError StreamProtocolError
"""
STATUSES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    402: "QuotaExceededError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    409: "ConflictError",
    413: "RequestTooLargeError",
    422: "UnprocessableError",
    429: "RateLimitError",
    498: "CapacityError",
    503: "UnavailableError",
    504: "GatewayTimeoutError",
    529: "OverloadedError",
}
EVERY_FACT: dict[str, Any] = {
    "provider": "acme",
    "operation": "messages.create",
    "model": "m",
    "call_id": "c",
    "context": CallContext("c", "acme", "messages.create", metadata={"tenant": "blue"}),
    "request_id": "req_1",
    "status": 429,
    "type": "t",
    "code": "1300",
    "param": "p",
    "details": (ErrorDetail("body.x", "bad", "t"),),
    "attempts": (Attempt(1, "503", 0.5), Attempt(2, "ConnectError", 0.1, 0.4, "r", 503)),
    "tried": (TriedModel("acme", "n", "ServerError", "down", 500, "r"),),
    "elapsed": 1.5,
    "retry_after": 3.0,
    "retryable": True,
    "mid_stream": True,
    "circuit_open": True,
    "retry_budget_exhausted": True,
    "partial": View({"content": "Hel"}),
    "events_seen": 4,
    "last_event_id": "7",
    "body": "{}",
    "headers": {"retry-after": "3"},
    "phase": "response",
}


@pytest.mark.requirement("R-210")
def test_the_tree_is_the_one_of_the_contract() -> None:
    expected = {("ForgeError", "Exception")}
    for line in TREE.strip().splitlines():
        parent, _, children = line.partition(" > ")
        expected |= {(child, parent) for child in children.split()}
    assert {(found.__name__, found.__bases__[0].__name__) for found in CLASSES} == expected


@pytest.mark.requirement("R-211")
def test_every_error_status_has_a_class() -> None:
    for status in range(400, 600):
        fallback = "ServerError" if status >= 500 else "ApiError"
        assert class_for_status(status).__name__ == STATUSES.get(status, fallback)
    assert class_for_status(302) is errors.ApiError


@pytest.mark.requirement("R-210")
def test_the_docstring_draws_every_class() -> None:
    drawn = errors.__doc__ or ""
    assert [found.__name__ for found in CLASSES if found.__name__ not in drawn] == []


@pytest.mark.requirement("R-212")
def test_every_fact_of_the_contract_is_an_attribute_and_absent_by_default() -> None:
    assert set(EVERY_FACT) == FACTS
    bare = ForgeError("m")
    assert [name for name in FACTS if getattr(bare, name) not in (None, False, ())] == []
    assert bare.facts() == {}
    full = ForgeError("m", **EVERY_FACT)
    assert {name: getattr(full, name) for name in FACTS} == EVERY_FACT


@pytest.mark.requirement("R-212")
def test_an_unknown_fact_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="no fact 'statsu'"):
        ForgeError("m", statsu=5)
    with pytest.raises(TypeError, match="no fact 'message'"):
        ForgeError("m").enrich(message="x")


@pytest.mark.requirement("R-217")
@pytest.mark.parametrize("cls", CLASSES)
def test_er_05_every_class_is_restored_from_a_pickle_with_all_its_facts(cls: type[ForgeError]) -> None:
    error = cls("what happened", **EVERY_FACT)
    error.__cause__ = errors.ConnectError("refused", phase="connect")
    for restored in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301
        assert type(restored) is cls
        assert (str(restored), restored.message, restored.args) == (str(error), error.message, error.args)
        assert restored.facts() == EVERY_FACT
        assert type(restored.__cause__) is errors.ConnectError
        assert restored.__cause__.phase == "connect"


@pytest.mark.requirement("R-217")
@pytest.mark.parametrize("cls", CLASSES)
def test_er_05_every_class_is_restored_from_json_with_all_its_facts(cls: type[ForgeError]) -> None:
    error = cls("what happened", **EVERY_FACT)
    error.__cause__ = errors.ConnectError("refused", phase="connect")
    error.__cause__.__cause__ = OSError("holds sk-canary")
    text = json.dumps(error.to_dict(), allow_nan=False)
    assert "canary" not in text
    restored = ForgeError.from_dict(json.loads(text))
    assert type(restored) is cls
    assert restored.message == error.message
    assert restored.facts() == {**EVERY_FACT, "partial": {"content": "Hel"}}
    assert type(restored.__cause__) is errors.ConnectError
    assert str(restored.__cause__.__cause__) == "builtins.OSError"
    assert restored.to_dict() == error.to_dict()


@pytest.mark.requirement("R-217")
def test_a_view_becomes_its_json_and_what_a_later_version_wrote_is_no_harm() -> None:
    error = errors.StreamInterruptedError("cut", partial=[View({"id": "a"}), View({"id": "b"})])
    assert error.to_dict()["partial"] == [{"id": "a"}, {"id": "b"}]
    later = {"kind": "NewError", "message": "m", "mood": 1, "attempts": [{"number": 1, "outcome": "ok",
             "duration": 0.5, "colour": "red"}], "cause": {"kind": "a.B"}}  # fmt: skip
    restored = ForgeError.from_dict(later)
    assert type(restored) is ForgeError
    assert restored.attempts == (errors.Attempt(1, "ok", 0.5),)
    assert str(restored.__cause__) == "a.B"


@pytest.mark.requirement("R-217")
def test_a_foreign_cause_crosses_processes_by_name_only() -> None:
    class ForeignError(Exception):
        def __init__(self) -> None:
            super().__init__("holds sk-canary and a lock")
            self.lock = threading.Lock()

    error = errors.ConnectionLostError("lost")
    error.__cause__ = ForeignError()
    carried = pickle.dumps(error)
    assert b"canary" not in carried
    restored = pickle.loads(carried)  # noqa: S301 - our own bytes
    assert "ForeignError" in str(restored.__cause__)
    assert isinstance(error.__cause__, ForeignError)


@pytest.mark.requirement("R-218")
def test_a_repr_shows_facts_but_no_content() -> None:
    shown = repr(errors.RateLimitError("slow down", **EVERY_FACT))
    assert shown.startswith("RateLimitError('slow down'")
    assert "status=429" in shown
    assert "request_id='req_1'" in shown
    assert "Hel" not in shown
    assert "body" not in shown


@pytest.mark.requirement("R-212")
def test_an_error_can_be_enriched_and_names_its_kind() -> None:
    error = errors.StreamInterruptedError("cut")
    assert error.enrich(events_seen=3) is error
    assert (error.kind, error.events_seen) == ("StreamInterruptedError", 3)
