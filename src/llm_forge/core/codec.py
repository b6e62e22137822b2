"""JSON in and out, with the limits and checks that every body needs (R-195, R-201, R-202).

The work is done by msgspec in C. What msgspec does not check is first excluded by a test that costs
next to nothing, and looked at closely only where that test cannot exclude it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import chain
from math import isfinite
from typing import Any

import msgspec

from .errors import InvalidRequestError
from .secrets import Secret
from .views import encode_view

MAX_DEPTH = 200
MAX_NUMBER_DIGITS = 1000

_BOM = b"\xef\xbb\xbf"
_SAMPLE = (MAX_NUMBER_DIGITS + 1) // 4
_NUMBER_BYTES = bytes(48 if chr(byte) in "0123456789.eE+-" else 32 for byte in range(256))
_LONG_NUMBER = b"0" * (MAX_NUMBER_DIGITS + 1)
_STRING_OR_NUMBER = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*', re.DOTALL)


class JsonError(ValueError):
    """The bytes are not JSON within our limits; one line, with the byte position where known."""


def decode(data: bytes | bytearray) -> Any:
    """The JSON value in `data`; integers are exact, the last of duplicate keys wins, a BOM is skipped.

    Raises JsonError, and nothing else: also for NaN and Infinity, numbers of more than 1,000 digits
    or beyond a double, nesting deeper than 200, and text that is not UTF-8.
    """
    try:
        value = _DECODER.decode(data)
    except (ValueError, RecursionError) as error:
        value = _decode_otherwise(data, error)
    if len(data) > 2 * MAX_DEPTH:
        _check_limits(data, value)
    return value


_DECODER = msgspec.json.Decoder()


def _decode_otherwise(data: bytes | bytearray, error: Exception) -> Any:
    if data.startswith(_BOM):
        return decode(data[len(_BOM) :])
    if isinstance(error, msgspec.DecodeError) and b"\\u" in data:
        try:
            return _decode_half_pairs(data)
        except (ValueError, RecursionError):
            pass  # the first error says where
    raise JsonError(_reason(error)) from error


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return f"nested deeper than {MAX_DEPTH} levels"
    if isinstance(error, UnicodeDecodeError):
        return f"a string is not UTF-8 ({error.reason})"
    return " ".join(str(error).split())


def _check_limits(data: bytes | bytearray, value: Any) -> None:
    if len(data) > MAX_NUMBER_DIGITS and _may_have_long_number(data) and _has_long_number(data):
        raise JsonError(f"a number has more than {MAX_NUMBER_DIGITS} digits")
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and _deeper_than(value, MAX_DEPTH):
        raise JsonError(f"nested deeper than {MAX_DEPTH} levels")


def _decode_half_pairs(data: bytes | bytearray) -> Any:
    r"""Half a surrogate pair (`"\ud83d"`) is legal JSON, which msgspec refuses; it is kept as it is."""
    value = json.loads(data, parse_constant=_no_constant, parse_float=_finite)
    if _deeper_than(value, MAX_DEPTH):
        raise JsonError("nested too deep")
    return value


def _no_constant(name: str) -> Any:
    raise JsonError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise JsonError("Number out of range")
    return number


def _may_have_long_number(data: bytes | bytearray) -> bool:
    # A run of more than 1,000 number bytes covers four samples in a row.
    return b"0000" in data[::_SAMPLE].translate(_NUMBER_BYTES)


def _has_long_number(data: bytes | bytearray) -> bool:
    if _LONG_NUMBER not in data.translate(_NUMBER_BYTES):
        return False
    for match in _STRING_OR_NUMBER.finditer(data):
        token = match.group()
        if token[:1] != b'"' and sum(48 <= byte <= 57 for byte in token) > MAX_NUMBER_DIGITS:
            return True
    return False


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value] if type(value) in _CONTAINERS else []
    for _ in range(limit):
        children = chain.from_iterable([node.values() if type(node) is dict else node for node in level])
        level = [child for child in children if type(child) in _CONTAINERS]
        if not level:
            return False
    return True


_CONTAINERS = frozenset({dict, list})


def encode(value: Any) -> bytes:
    """UTF-8 JSON of a request body, keys in their order.

    Takes plain JSON values, views, mappings, dataclasses, pydantic models and what msgspec knows
    (dates, UUIDs, enums; bytes become Base64). Raises InvalidRequestError naming the dotted path of
    what cannot be sent: NaN, Infinity, lone surrogates, circular values, unknown types (R-202).
    """
    try:
        body = _ENCODER.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise _refusal(value, error) from error
    # msgspec writes null for a float that is not finite, and NaN or Infinity for such a Decimal.
    suspicious = b"null" in body or b"NaN" in body or b"Infinity" in body
    if suspicious and _may_be_non_finite(value):
        problem = next(_problems(value, ""), None)
        if problem is not None:
            raise InvalidRequestError(problem)
    return body


def _may_be_non_finite(value: Any) -> bool:
    """Whether some float is not finite, or something is hidden in an object that is not plain JSON."""
    level = [value]
    while level:
        deeper: list[Any] = []
        for entry in level:
            kind = type(entry)
            if kind is dict:
                deeper.extend(entry.values())
            elif kind is list or kind is tuple:
                deeper.extend(entry)
            elif kind is float:
                if not isfinite(entry):
                    return True
            elif kind not in _PLAIN:
                return True
        level = deeper
    return False


_PLAIN = frozenset({str, int, bool, type(None)})


def _enc_hook(value: Any) -> Any:
    if isinstance(value, Secret):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "model_dump"):
        return _model_fields(value)
    return encode_view(value)


_ENCODER = msgspec.json.Encoder(enc_hook=_enc_hook, decimal_format="number")


def _model_fields(model: Any) -> Any:
    """A pydantic model as JSON: what was set, and defaults other than None."""
    every = model.model_dump(mode="json", by_alias=True)
    given = model.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return _set_or_not_none(every, given)


def _set_or_not_none(every: Any, given: Any) -> Any:
    if isinstance(every, dict):
        given = given if isinstance(given, dict) else {}
        return {
            key: _set_or_not_none(value, given.get(key))
            for key, value in every.items()
            if value is not None or key in given
        }
    if isinstance(every, list):
        matched = given if isinstance(given, list) and len(given) == len(every) else every
        return [_set_or_not_none(*pair) for pair in zip(every, matched, strict=True)]
    return every


def _refusal(value: Any, error: Exception) -> InvalidRequestError:
    if isinstance(error, RecursionError):
        return InvalidRequestError("the request body is circular or nested too deep")
    problem = next(_problems(value, ""), None)
    return InvalidRequestError(problem or f"the request body cannot be sent as JSON: {error}")


def _problems(value: Any, path: str) -> Iterator[str]:
    """One line for each part of `value` that is not JSON."""
    where = path or "the request body"
    if value is None or isinstance(value, (bool, int)):
        return
    if isinstance(value, str):
        if _has_surrogate(value):
            yield f"{where} has a lone surrogate, which UTF-8 cannot carry"
    elif isinstance(value, (float, Decimal)):
        if not _is_finite(value):
            yield f"{where} is {value}, which JSON cannot carry"
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _key_problems(key, path)
            yield from _problems(entry, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple, set, frozenset)):
        for number, entry in enumerate(value):
            yield from _problems(entry, f"{path}.{number}" if path else str(number))
    else:
        yield from _object_problems(value, path)


def _key_problems(key: Any, path: str) -> Iterator[str]:
    where = path or "the request body"
    if isinstance(key, str):
        if _has_surrogate(key):
            yield f"{where} has a key with a lone surrogate, which UTF-8 cannot carry"
    elif isinstance(key, float) and not isfinite(key):
        yield f"{where} has the key {key}, which JSON cannot carry"


def _object_problems(value: Any, path: str) -> Iterator[str]:
    try:
        plain = msgspec.to_builtins(value, enc_hook=_enc_hook)
    except (TypeError, ValueError, RecursionError):
        where = path or "the request body"
        yield f"{where} is of type {type(value).__name__}, which cannot be sent as JSON"
        return
    if type(plain) is not type(value):
        yield from _problems(plain, path)


def _is_finite(number: float | Decimal) -> bool:
    return number.is_finite() if isinstance(number, Decimal) else isfinite(number)


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
