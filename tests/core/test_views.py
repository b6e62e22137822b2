"""Views lose nothing, validate nothing, and behave as values."""

from __future__ import annotations

import copy
import json
import pickle
import time
from collections import UserDict
from typing import Any

import msgspec
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_forge.core.codec import decode, encode
from llm_forge.core.views import (
    Unknown,
    View,
    either,
    encode_view,
    field,
    list_of,
    map_of,
    obj,
    shaped,
    union,
)


class Text(View):
    __slots__ = ()
    text: str | None = field("text")


class Call(View):
    __slots__ = ()
    name: str | None = field("name")
    input: Any = field("input")


PART = union("type", lambda: {"text": Text, "call": Call})


class Usage(View):
    __slots__ = ()
    input_tokens: int | None = field("inputTokens")


class Message(View):
    __slots__ = ()
    id: str | None = field("id")
    usage: Usage | None = field("usage", obj(lambda data: Usage(data)))
    parts: list[Text | Call | Unknown] | None = field("parts", list_of(PART))
    notes: dict[str, Text] | None = field("notes", map_of(obj(Text)))


DATA: dict[str, Any] = {
    "id": "m1",
    "usage": {"inputTokens": 2**60, "newField": [1]},
    "parts": [
        {"type": "text", "text": "hi"},
        {"type": "call", "name": "f"},
        {"type": "later", "x": {"y": None}},
    ],
    "notes": {"a": {"text": "n"}},
    "brand_new": {"deep": [1, {"k": "v"}]},
    "null": None,
}

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["id", "usage", "parts", "notes", "type", "text", "other"])


@pytest.fixture
def message() -> Message:
    return Message(copy.deepcopy(DATA))


@pytest.mark.requirement("R-200")
def test_attributes_read_through_and_nested_objects_are_typed(message: Message) -> None:
    assert message.id == "m1"
    assert isinstance(message.usage, Usage)
    assert message.usage.input_tokens == 2**60
    assert message.parts is not None
    assert [type(part) for part in message.parts] == [Text, Call, Unknown]
    assert message.notes is not None
    assert message.notes["a"].text == "n"
    assert message.usage is message.usage


@pytest.mark.requirement("R-200")
def test_unknown_fields_are_readable_and_missing_ones_are_absent(message: Message) -> None:
    assert message.brand_new == {"deep": [1, {"k": "v"}]}  # type: ignore[attr-defined]  # only in the JSON
    assert message["brand_new"]["deep"][0] == 1
    assert "null" in message
    assert "missing" not in message
    assert message.get("missing", 5) == 5
    assert Message({}).usage is None
    with pytest.raises(AttributeError, match="Message has no field 'missing'"):
        _ = message.missing  # type: ignore[attr-defined]  # that is the point
    with pytest.raises(KeyError):
        message["missing"]


@pytest.mark.requirement("R-141")
@settings(deadline=None, derandomize=True, max_examples=150)
@given(data=st.dictionaries(NAMES, JSON, max_size=5))
def test_no_shape_raises_and_nothing_is_lost(data: dict[str, Any]) -> None:
    view = Message(data)
    for _ in (view.id, view.usage, view.parts, view.notes, repr(view)):
        pass
    assert view.to_dict() == data
    assert decode(encode(view)) == data
    assert pickle.loads(pickle.dumps(view)) == view  # noqa: S301 - our own bytes


@pytest.mark.requirement("R-200")
def test_to_dict_is_the_json_received_and_a_fresh_copy(message: Message) -> None:
    _ = message.parts, message.usage
    copied = message.to_dict()
    assert copied == DATA
    copied["parts"][0]["text"] = "changed"
    assert message.to_dict() == DATA


@pytest.mark.requirement("R-200")
def test_a_view_built_from_views_gives_plain_json() -> None:
    view = Message({"usage": Usage({"inputTokens": 1}), "parts": [Text({"type": "text", "text": "x"})]})
    assert isinstance(view.usage, Usage)
    assert type(view.to_dict()["usage"]) is dict
    assert type(view.to_dict()["parts"][0]) is dict
    assert json.loads(view.to_json()) == view.to_dict()


@pytest.mark.requirement("R-201")
def test_to_json_keeps_big_integers_and_half_surrogate_pairs() -> None:
    assert Usage({"n": 2**70}).to_json() == b'{"n":1180591620717411303424}'
    assert decode(Usage({"s": "\ud83d"}).to_json()) == {"s": "\ud83d"}


@pytest.mark.requirement("R-200")
def test_views_compare_by_class_and_json(message: Message) -> None:
    assert message == Message(copy.deepcopy(DATA))
    assert message != Message({})
    assert Text({"text": "x"}) != Unknown({"text": "x"})
    assert message != DATA
    with pytest.raises(TypeError):
        hash(message)


@pytest.mark.requirement("R-200")
def test_views_pickle_and_copy(message: Message) -> None:
    _ = message.usage
    for other in (pickle.loads(pickle.dumps(message)), copy.copy(message), copy.deepcopy(message)):  # noqa: S301
        assert other == message
        assert type(other) is Message
    copy.deepcopy(message)["parts"].clear()
    assert message.to_dict() == DATA


@pytest.mark.requirement("R-200")
def test_views_match_patterns(message: Message) -> None:
    match message:
        case Message(id="m1", usage=Usage(input_tokens=int(count)), parts=[Text(text=text), *rest]):
            assert (count, text, len(rest)) == (2**60, "hi", 2)
        case _:
            pytest.fail("no match")


@pytest.mark.requirement("R-200")
def test_views_list_their_wire_names_and_become_dicts(message: Message) -> None:
    assert list(message) == list(message.keys()) == list(DATA)
    assert dict(message) == DATA


@pytest.mark.requirement("R-200")
def test_views_show_their_class_and_fields() -> None:
    assert repr(Text({"type": "text", "text": "x"})) == "Text(type='text', text='x')"


@pytest.mark.requirement("R-200")
def test_views_are_read_only_and_say_what_to_do(message: Message) -> None:
    with pytest.raises(AttributeError, match="to_dict"):
        message.id = "other"  # type: ignore[misc]  # a descriptor, not a slot
    with pytest.raises(AttributeError):
        message.other = 1  # type: ignore[attr-defined]  # no such slot


@pytest.mark.requirement("R-200")
def test_views_are_built_from_mappings_only() -> None:
    assert Text(UserDict({"text": "x"})).text == "x"
    assert Text(Text({"text": "x"})).text == "x"  # type: ignore[arg-type]  # accepted at run time
    with pytest.raises(TypeError, match="Text is built from a mapping, not from list"):
        Text([])  # type: ignore[arg-type]  # that is the point


@pytest.mark.requirement("R-200")
def test_views_are_pydantic_fields() -> None:
    class Record(pydantic.BaseModel):
        message: Message
        others: list[Text] = []

    made = Record.model_validate({"message": DATA, "others": [{"text": "x"}, Text({"text": "y"})]})
    assert isinstance(made.message, Message)
    assert [other.text for other in made.others] == ["x", "y"]
    assert made.model_dump()["message"] == DATA
    assert json.loads(made.model_dump_json())["message"] == DATA
    assert Record.model_validate_json(made.model_dump_json()) == made
    assert Record.model_json_schema()["properties"]["message"]["type"] == "object"
    assert Record.model_json_schema(mode="serialization")["properties"]["message"]["type"] == "object"
    with pytest.raises(pydantic.ValidationError, match="not from int"):
        Record.model_validate({"message": 5})


@pytest.mark.requirement("R-200")
def test_views_go_back_on_the_wire_as_they_came(message: Message) -> None:
    assert msgspec.json.decode(msgspec.json.encode([message], enc_hook=encode_view)) == [DATA]
    with pytest.raises(TypeError, match="object cannot be sent"):
        encode_view(object())


@pytest.mark.requirement("R-200")
def test_reading_a_field_costs_about_a_microsecond_at_most() -> None:
    view, count = Message(DATA), 20_000

    def cost() -> float:
        start = time.process_time()
        for _ in range(count):
            _ = view.usage
        return (time.process_time() - start) / count

    assert min(cost() for _ in range(5)) < 3e-6  # 0.2 µs on an idle machine


def test_a_class_reads_its_fields_by_their_wire_names_through_their_converters() -> None:
    class Late(View):
        __slots__ = ()
        plain: int = field("plainWire")
        whole: Usage = field("use", obj(Usage), required=True)

    assert (Late.plain.wire, Late.plain.name, Late.plain.convert) == ("plainWire", "plain", None)
    assert (Late.plain.required, Late.whole.required) == (False, True)
    view = Late({"plainWire": 1, "use": {"inputTokens": 2}})
    assert view.plain == 1
    assert view.whole == Usage({"inputTokens": 2})
    assert view.whole is view.whole
    with pytest.raises(AttributeError, match=r"Late\.plain is read-only"):
        view.plain = 2


def test_a_field_outside_a_class_is_named_by_its_wire_name() -> None:
    assert field("onTheWire").name == "onTheWire"


def test_converters_type_what_has_their_shape_and_pass_on_what_has_not() -> None:
    one, many, named = obj(Text), list_of(obj(Text)), map_of(obj(Text))
    assert one({"text": "a"}) == Text({"text": "a"})
    assert one("a") == "a"
    assert many([{"text": "a"}, 1]) == [Text({"text": "a"}), 1]
    assert many({"text": "a"}) == {"text": "a"}
    assert named({"x": {"text": "a"}, "y": None}) == {"x": Text({"text": "a"}), "y": None}
    assert named([1]) == [1]


def test_a_union_is_told_apart_by_its_tag_and_asks_for_its_members_once() -> None:
    asked: list[int] = []

    def members() -> dict[str, Any]:
        asked.append(1)
        return {"text": Text, "call": Call}

    convert = union("type", members)
    assert asked == []
    assert convert({"type": "text"}) == Text({"type": "text"})
    assert convert({"type": "call", "text": "x"}) == Call({"type": "call", "text": "x"})
    for data in ({"type": "new"}, {"type": 1}, {"type": ["text"]}, {"kind": "text"}):
        assert convert(data) == Unknown(data)
    assert convert("text") == "text"
    assert asked == [1]


def test_objects_without_a_tag_are_told_apart_by_the_fields_they_have() -> None:
    convert = shaped(lambda: [(("a", "b"), obj(Text)), (("a",), obj(Call))])
    assert convert({"a": 1, "b": 2, "c": 3}) == Text({"a": 1, "b": 2, "c": 3})
    assert convert({"a": 1, "c": 3}) == Call({"a": 1, "c": 3})
    assert convert({"c": 3}) == Unknown({"c": 3})
    assert convert([1]) == [1]


def test_a_value_of_several_kinds_goes_to_the_converter_of_its_kind() -> None:
    convert = either(obj(Text), list_of(obj(Call)))
    assert convert({"a": 1}) == Text({"a": 1})
    assert convert([{"a": 1}]) == [Call({"a": 1})]
    assert convert("a") == "a"


def test_a_deep_copy_shares_what_the_whole_copy_shares() -> None:
    shared = {"inputTokens": 1}
    first, second = copy.deepcopy([Message({"usage": shared}), shared])
    assert first.to_dict() == {"usage": shared}
    assert first["usage"] is second


def test_json_that_msgspec_cannot_write_is_as_compact_as_the_rest() -> None:
    assert Message({"a": "\ud800", "b": [1, 2]}).to_json() == b'{"a":"\\ud800","b":[1,2]}'
