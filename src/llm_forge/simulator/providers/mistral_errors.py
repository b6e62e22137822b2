"""Mistral's words for refusals: `{"detail": ...}` or `{"object":"error",...}`, by the layer that refuses.

Sources: one recorded 401, and refusals quoted in public. How Mistral words that a thing does not exist, or
does not allow something now, is in neither; those follow its other errors.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..problems import Failure, Problem
from .provider import Json

_INVALID = "invalid_request_error"
_RATE = ("rate_limited", "1300")
_BAD_KEY = (401, {"detail": "Invalid API Key"})
_BAD_JSON = {"type": "json_invalid", "loc": ["body", 0], "msg": "JSON decode error", "input": {}}
_REFUSALS: Mapping[str, tuple[int, Json]] = {
    "no-key": _BAD_KEY,
    "bad-key": _BAD_KEY,
    "route": (404, {"message": "no Route matched with those values"}),
    "method": (405, {"detail": "Method Not Allowed"}),
    "size": (413, {"message": "Request size limit exceeded"}),
    "not-json": (422, {"detail": [_BAD_JSON]}),
}


def worded(failure: Failure) -> tuple[int, Json]:
    """Status and body."""
    subject = failure.subject
    match failure.kind:
        case "model":
            return _error(400, f"Invalid model: {subject}", "invalid_model", "1500")
        case "call-id":
            message = f"Tool call id was {subject} but must be a-z, A-Z, 0-9, with a length of 9."
            return _error(400, message, "invalid_function_call", "3280")
        case "missing":
            return _error(404, f"{failure.unit} {subject} not found.", _INVALID, None)
        case "state":
            return _error(400, subject, _INVALID, None)
        case "invalid":
            return 422, {"detail": [_problem(problem) for problem in failure.problems]}
        case "rate":
            return _error(429, "Rate limit exceeded", *_RATE)
        case "status":
            named = _RATE if failure.status == 429 else ("internal_server_error", "3000")
            return _error(failure.status, subject, *named)
    return _REFUSALS[failure.kind]


def _error(status: int, message: str, kind: str, code: str | None) -> tuple[int, Json]:
    head = {"object": "error", "message": message, "type": kind, "param": None}
    return status, {**head, "code": code, "raw_status_code": status}


def _problem(problem: Problem) -> Json:
    in_query = problem.path[:1] == ("query",)
    loc = list(problem.path) if in_query else ["body", *problem.path]
    kind, message, context = _detail(problem)
    detail: Json = {"type": kind, "loc": loc, "msg": message, "input": problem.found}
    return {**detail, "ctx": context} if context else detail


def _detail(problem: Problem) -> tuple[str, str, Json]:
    """Type, message and context."""
    limit = problem.expected
    match problem.kind:
        case "missing":
            return "missing", "Field required", {}
        case "type":
            return f"{limit}_type", f"Input should be a valid {limit}", {}
        case "too-small":
            return "greater_than_equal", f"Input should be greater than or equal to {limit}", {"ge": limit}
        case "too-large":
            return "less_than_equal", f"Input should be less than or equal to {limit}", {"le": limit}
        case "too-short":
            context = {"field_type": "List", "min_length": limit, "actual_length": problem.found}
            return "too_short", f"List should have at least {limit} item after validation", context
        case "too-long":
            context = {"field_type": "List", "max_length": limit, "actual_length": problem.found}
            return "too_long", f"List should have at most {limit} items after validation", context
        case "value":
            return "literal_error", f"Input should be {limit}", {"expected": limit}
