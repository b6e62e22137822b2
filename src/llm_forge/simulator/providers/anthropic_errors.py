"""Anthropic's refusals in its own words. Sources: recorded error bodies, and reports quoted in public."""

from __future__ import annotations

from ..problems import Failure, Problem

_STATUS_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_REFUSALS = {
    "no-key": (401, "authentication_error", "x-api-key header is required"),
    "bad-key": (401, "authentication_error", "invalid x-api-key"),
    "no-version": (400, "invalid_request_error", "anthropic-version: header is required"),
    "route": (404, "not_found_error", "Not Found"),
    "method": (405, "invalid_request_error", "Method Not Allowed"),
    "size": (413, "request_too_large", "Request exceeds the maximum size"),
}


def worded(failure: Failure) -> tuple[int, str, str]:
    """Status, type and message."""
    match failure.kind:
        case "model":
            return 404, "not_found_error", f"model: {failure.subject}"
        case "missing":
            return 404, "not_found_error", _missing(failure)
        case "state":
            return 400, "invalid_request_error", failure.subject
        case "rate":
            allowed = f"{failure.limit:.0f} {failure.unit.replace('-', ' ')} per minute"
            return 429, "rate_limit_error", f"This request would exceed your rate limit of {allowed}."
        case "not-json":
            return 400, "invalid_request_error", f"The request body is not valid JSON: {failure.subject}"
        case "invalid":
            return 400, "invalid_request_error", _problem(failure.problems[0])
        case "status":
            return failure.status, _STATUS_TYPES.get(failure.status, "api_error"), failure.subject
    return _REFUSALS[failure.kind]


def _missing(failure: Failure) -> str:
    if failure.unit == "results":
        return f"Message Batch {failure.subject}"
    return f"{failure.unit} {failure.subject} not found."


def _problem(problem: Problem) -> str:
    match problem.kind:
        case "missing":
            return f"{problem.dotted}: Field required"
        case "type":
            return f"{problem.dotted}: Input should be a valid {problem.expected}"
        case "too-small":
            return f"{problem.dotted}: Input should be greater than or equal to {problem.expected}"
        case "too-large":
            return f"{problem.dotted}: Input should be less than or equal to {problem.expected}"
        case "too-short":
            return f"{problem.dotted}: List should have at least {problem.expected} item after validation"
        case "too-long":
            return f"{problem.dotted}: List should have at most {problem.expected} items after validation"
        case "value":
            return f"{problem.dotted}: Input should be {problem.expected}"
