"""OpenAI's refusals in its own words. Sources: recorded error bodies, and reports quoted in public."""

from __future__ import annotations

from typing import Any, TypeAlias

from ..problems import Failure, Problem
from .durations import duration

_INVALID = "invalid_request_error"


Worded: TypeAlias = tuple[int, str, str | None, str | None, str]


def worded(failure: Failure) -> Worded:
    """Status, type, param, code and message."""
    return _of_a_thing(failure) or _of_a_request(failure)


def _of_a_thing(failure: Failure) -> Worded | None:
    """Of something that is kept, or of a model in the words of the Responses API."""
    subject = failure.subject
    match failure.kind:
        case "model" if failure.status == 400:
            message = f"The requested model '{subject}' does not exist."
            return 400, _INVALID, "model", "model_not_found", message
        case "missing" if failure.unit == "fine tune":
            return (
                404,
                _INVALID,
                "fine_tune_id",
                "fine_tune_not_found",
                f"Could not find fine tune: {subject}",
            )
        case "missing":
            return 404, _INVALID, "id", None, f"No such {failure.unit} object: {subject}"
        case "state":
            return 400, _INVALID, None, None, subject
    return None


def _of_a_request(failure: Failure) -> Worded:
    subject = failure.subject
    match failure.kind:
        case "no-key":
            return 401, _INVALID, None, None, "You didn't provide an API key."
        case "bad-key":
            return 401, _INVALID, None, "invalid_api_key", f"Incorrect API key provided: {subject}."
        case "route":
            return 404, _INVALID, None, None, f"Invalid URL ({subject})"
        case "method":
            return 405, _INVALID, None, "method_not_supported", f"Invalid method for URL ({subject})"
        case "model":
            message = f"The model `{subject}` does not exist or you do not have access to it."
            return 404, _INVALID, None, "model_not_found", message
        case "size":
            return 413, _INVALID, None, None, "Request body is too large."
        case "rate":
            return 429, failure.unit, None, "rate_limit_exceeded", rate_message(failure)
        case "invalid":
            return (400, _INVALID, *_problem(failure.problems[0]))
        case "status":
            code = "rate_limit_exceeded" if failure.status == 429 else None
            return failure.status, status_type(failure.status), None, code, subject
    return 400, _INVALID, None, None, f"We could not parse the JSON body of your request: {subject}"


def status_type(status: int) -> str:
    """The error type of a bare status, as OpenAI and Groq name it."""
    known = {401: _INVALID, 403: _INVALID, 429: "requests", 503: "service_unavailable"}
    return known.get(status, "server_error" if status >= 500 else _INVALID)


def rate_message(failure: Failure) -> str:
    """What OpenAI and Groq say when a bucket is empty."""
    wait = "" if failure.retry_after is None else f" Please try again in {duration(failure.retry_after)}."
    unit = {"requests": "RPM", "tokens": "TPM"}.get(failure.unit, failure.unit)
    figures = f"Limit {failure.limit:.0f}, Used {failure.used:.0f}, Requested {failure.requested:.0f}"
    return f"Rate limit reached for {failure.subject} on {failure.unit} per min ({unit}): {figures}.{wait}"


def _problem(problem: Problem) -> tuple[str, str, str]:
    """Param, code and message."""
    name = problem.bracketed
    match problem.kind:
        case "missing":
            return name, "missing_required_parameter", f"Missing required parameter: '{name}'."
        case "type":
            expected, found = _described(problem.expected), _found(problem.found)
            message = f"Invalid type for '{name}': expected {expected}, but got {found} instead."
            return name, "invalid_type", message
        case "value":
            message = f"Invalid value: '{problem.found}'. Supported values are: {problem.expected}."
            return name, "invalid_value", message
        case "too-small" | "too-large":
            return name, *_out_of_range(problem)
    return name, *_wrong_length(problem)


def _wrong_length(problem: Problem) -> tuple[str, str]:
    """Code and message."""
    name, limit = problem.bracketed, problem.expected
    if problem.kind == "too-long":
        return "array_above_max_length", f"Invalid '{name}': array too long. Expected at most {limit}."
    if problem.found == 0:
        return "empty_array", f"Invalid '{name}': empty array. Expected at least {limit}, but got none."
    return "array_below_min_length", f"Invalid '{name}': array too short. Expected at least {limit}."


def _out_of_range(problem: Problem) -> tuple[str, str]:
    kind = "integer" if isinstance(problem.found, int) else "decimal"
    side, sign = ("below minimum", ">=") if problem.kind == "too-small" else ("above maximum", "<=")
    code = f"{kind}_{side.split()[0]}_{side.split()[1][:3]}_value"
    expected = f"Expected a value {sign} {problem.expected}, but got {problem.found} instead."
    return code, f"Invalid '{problem.bracketed}': {kind} {side} value. {expected}"


def _described(kind: Any) -> str:
    words = {"integer": "an integer", "number": "a decimal", "list": "an array", "object": "an object"}
    return words.get(str(kind), f"a {kind}")


def _found(value: Any) -> str:
    if value is None:
        return "null"
    words = {str: "a string", bool: "a boolean", int: "an integer", float: "a decimal", list: "an array"}
    return words.get(type(value), "an object")
