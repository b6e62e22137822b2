"""JSON in and out: what is refused, what is exact, and that nothing but our errors comes out."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import json
import math
import types
from typing import Any

import msgspec
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_forge.core.codec import JsonError, decode, encode
from llm_forge.core.errors import InvalidRequestError
from llm_forge.core.secrets import Secret
from llm_forge.core.views import View

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.requirement("R-201")
@settings(deadline=None, derandomize=True, max_examples=150)
@given(value=JSON)
def test_every_json_value_survives_a_round_trip(value: Any) -> None:
    assert decode(encode(value)) == value
    assert json.loads(encode(value)) == value


@pytest.mark.requirement("R-198")
@settings(deadline=None, derandomize=True, max_examples=300)
@given(
    data=st.one_of(
        st.binary(max_size=30), st.text(alphabet='{}[],:"\\u0d8tfn1.eE+- NaI', max_size=30).map(str.encode)
    )
)
def test_decode_raises_nothing_but_json_errors_of_one_line(data: bytes) -> None:
    try:
        decode(data)
    except JsonError as error:
        assert "\n" not in str(error)
        assert str(error)


@pytest.mark.requirement("R-201")
@pytest.mark.parametrize(
    "number", [2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**40, int("9" * 1000), -int("8" * 1000)]
)
def test_integers_are_exact_whatever_their_size(number: int) -> None:
    assert decode(str(number).encode()) == number
    assert encode({"n": number}) == f'{{"n":{number}}}'.encode()


@pytest.mark.requirement("R-201")
@pytest.mark.parametrize(
    "data", [b"NaN", b"[Infinity]", b"-Infinity", b"1e400", b'["\\ud800", 1e400]', b'["\\ud800", NaN]']
)
def test_numbers_that_are_not_finite_are_refused(data: bytes) -> None:
    with pytest.raises(JsonError):
        decode(data)


@pytest.mark.requirement("R-201")
def test_the_last_of_duplicate_keys_wins_and_minus_zero_is_a_number() -> None:
    assert decode(b'{"a": 1, "b": 2, "a": 3}') == {"a": 3, "b": 2}
    assert decode(b"-0") == 0
    assert math.copysign(1, decode(b"-0.0")) == -1


@pytest.mark.requirement("R-195")
@pytest.mark.parametrize(
    ("number", "fits"),
    [
        ("1" * 1000, True),
        ("1" * 1001, False),
        ("0." + "1" * 999, True),
        ("0." + "1" * 1000, False),
        ("-" + "1" * 1001, False),
        ("1" * 5000, False),
        ("1." + "0" * 995 + "e+100", True),
    ],
)
@pytest.mark.parametrize("around", ["{}", '{{"a": [1, {}, 2], "s": "x"}}', '["' + "7" * 2000 + '", {}]'])
def test_numbers_have_at_most_a_thousand_digits(number: str, fits: bool, around: str) -> None:
    data = around.format(number).encode()
    if fits:
        assert decode(data) is not None
    else:
        with pytest.raises(JsonError):
            decode(data)


@pytest.mark.requirement("R-195")
@pytest.mark.parametrize("text", ["9" * 5000, "1e" * 3000, '\\"' + "5" * 3000, "a\\\\"])
def test_long_digit_runs_in_strings_are_no_numbers(text: str) -> None:
    assert decode(f'{{"image": "{text}", "n": 1}}'.encode())["n"] == 1


@pytest.mark.requirement("R-195")
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"k":', "}"), ('[[],{"k":', "}]")])
def test_nesting_ends_at_two_hundred_levels(opening: str, closing: str) -> None:
    step = 2 if len(opening) > 6 else 1
    assert decode((opening * (200 // step) + "1" + closing * (200 // step)).encode())
    for levels in (202, 1_000, 100_000):
        with pytest.raises(JsonError, match="nested deeper"):
            decode((opening * (levels // step) + "1" + closing * (levels // step)).encode())


@pytest.mark.requirement("R-195")
def test_many_brackets_side_by_side_are_not_deep() -> None:
    assert len(decode(b"[" + b",".join([b'{"a":[1]}'] * 1000) + b"]")) == 1000


@pytest.mark.requirement("R-198")
@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "truncated"),
        (b"  ", "truncated"),
        (b'{"a":}', "byte 5"),
        (b"<html>", "byte 0"),
        (b'"\xff"', "not UTF-8"),
    ],
)
def test_a_json_error_says_why_and_where(data: bytes, says: str) -> None:
    with pytest.raises(JsonError, match=says):
        decode(data)


@pytest.mark.requirement("R-198")
def test_a_byte_order_mark_is_skipped() -> None:
    assert decode(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}
    with pytest.raises(JsonError):
        decode(b"\xef\xbb\xbf")


@pytest.mark.requirement("R-200")
def test_half_a_surrogate_pair_in_an_escape_is_kept() -> None:
    assert decode(b'{"a": "x\\ud83d", "b": "\\ud83d\\ude00"}') == {"a": "x\ud83d", "b": "😀"}


class Part(pydantic.BaseModel):
    kind: str = "text"
    text: str
    note: str | None = None
    source: str | None = pydantic.Field(default=None, alias="from")


@dataclasses.dataclass
class Point:
    x: int
    y: float = 1.5


class Struct(msgspec.Struct):
    a: int


@pytest.mark.requirement("R-202")
@pytest.mark.parametrize(
    ("value", "body"),
    [
        ({"b": 1, "a": [True, None]}, b'{"b":1,"a":[true,null]}'),
        ("日本 €", '"日本 €"'.encode()),
        ([View({"x": {"y": 2**70}})], b'[{"x":{"y":1180591620717411303424}}]'),
        (types.MappingProxyType({"k": (1, 2)}), b'{"k":[1,2]}'),
        ({"p": Part(text="t")}, b'{"p":{"kind":"text","text":"t"}}'),
        (
            {"p": [Part(**{"text": "t", "note": None, "from": "f"})]},
            b'{"p":[{"kind":"text","text":"t","note":null,"from":"f"}]}',
        ),
        ([Point(1), Struct(2)], b'[{"x":1,"y":1.5},{"a":2}]'),
        (datetime.date(2026, 1, 2), b'"2026-01-02"'),
        (decimal.Decimal("0.7"), b"0.7"),
        (Secret("sk-very-secret"), b'"[redacted]"'),
    ],
)
def test_what_is_json_or_knows_to_be_is_sent(value: Any, body: bytes) -> None:
    assert encode(value) == body


@pytest.mark.requirement("R-202")
@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"messages": [{"a": None}, {"content": math.nan}]}, "messages.1.content"),
        ({"temperature": -math.inf}, "temperature"),
        ({"none": None, "t": (1.0, [math.inf])}, "t.1.0"),
        ({"n": None, "p": Point(1, math.nan)}, "p.y"),
        ({"v": View({"x": math.nan})}, "v.x"),
        ({"m": types.MappingProxyType({"x": math.nan})}, "m.x"),
        ({"d": decimal.Decimal("NaN")}, "d"),
        ({"messages": [{"content": "ok \ud800"}]}, "messages.0.content"),
        ({"a": {"\udfff": 1}}, "a"),
        ({"tools": [{"f": object()}]}, "tools.0.f"),
        ({"c": 1j}, "c"),
        ({"a": {None: 1}}, "a"),
        (math.nan, "request body"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_its_path(value: Any, path: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        encode(value)
    assert path in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.requirement("R-202")
def test_an_unknown_type_is_named() -> None:
    with pytest.raises(InvalidRequestError, match=r"tools\.0 is of type object"):
        encode({"tools": [object()]})


@pytest.mark.requirement("R-202")
def test_a_circular_body_is_refused() -> None:
    loop: dict[str, Any] = {}
    loop["self"] = loop
    with pytest.raises(InvalidRequestError, match="circular"):
        encode(loop)


@pytest.mark.requirement("R-202")
@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"\ud800": 1}, "the request body has a key with a lone surrogate, which UTF-8 cannot carry"),
        ({"a": {"\ud800": 1}}, "a has a key with a lone surrogate, which UTF-8 cannot carry"),
        ("x\ud800", "the request body has a lone surrogate, which UTF-8 cannot carry"),
        ([1, [2, object()]], "1.1 is of type object, which cannot be sent as JSON"),
        (object(), "the request body is of type object, which cannot be sent as JSON"),
        (math.nan, "the request body is nan, which JSON cannot carry"),
        ({"a": {"b": [None, True, 1, math.inf]}}, "a.b.3 is inf, which JSON cannot carry"),
        ({"a": None, "b": decimal.Decimal("Infinity")}, "b is Infinity, which JSON cannot carry"),
        ({"a": {None: 1}}, "the request body cannot be sent as JSON: NoneType cannot be sent as JSON"),
    ],
)
def test_a_refusal_says_where_and_what_and_nothing_else(value: Any, says: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        encode(value)
    assert caught.value.message == says


def test_what_only_looks_suspicious_is_sent() -> None:
    assert encode({"a": "null NaN Infinity", "b": [None, (1.5, "x")]}) == (
        b'{"a":"null NaN Infinity","b":[null,[1.5,"x"]]}'
    )
    assert encode({"a": decimal.Decimal("1.50"), "b": None}) == b'{"a":1.50,"b":null}'


class Inner(pydantic.BaseModel):
    at: datetime.date
    source: str | None = pydantic.Field(default=None, alias="from")
    note: str | None = None


class Outer(pydantic.BaseModel):
    parts: list[Inner]
    tags: dict[str, str | None] = {}
    pair: list[str | None] = [None, "d"]
    inner: Inner | None = None


@pytest.mark.requirement("R-202")
def test_models_inside_models_send_what_was_set_by_its_wire_name() -> None:
    day = datetime.date(2026, 1, 2)
    outer = Outer(
        parts=[Inner(**{"at": day, "from": "x"}), Inner(at=day, note=None)],
        tags={"k": None},
        inner=Inner(at=day),
    )
    assert encode(outer) == (
        b'{"parts":[{"at":"2026-01-02","from":"x"},{"at":"2026-01-02","note":null}],'
        b'"tags":{"k":null},"pair":[null,"d"],"inner":{"at":"2026-01-02"}}'
    )


@pytest.mark.requirement("R-201")
@pytest.mark.parametrize(
    ("digits", "fits"), [("9" * 1000, True), ("9" * 1001, False), ("0." + "9" * 1000, False)]
)
def test_every_digit_counts_towards_the_length_of_a_number(digits: str, fits: bool) -> None:
    data = f'[{digits},"x"]'.encode()
    if fits:
        assert decode(data) == [int(digits), "x"]
    else:
        with pytest.raises(JsonError, match="a number has more than 1000 digits"):
            decode(data)


@pytest.mark.requirement("R-201")
def test_constants_beside_half_a_pair_are_refused_too() -> None:
    for constant in (b"NaN", b"-Infinity", b"1e999"):
        with pytest.raises(JsonError):
            decode(b'{"x":"\\ud83d","y":%b}' % constant)
    assert decode(b'{"x":"\\ud83d","y":1.5}') == {"x": "\ud83d", "y": 1.5}
