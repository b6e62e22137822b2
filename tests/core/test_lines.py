"""Lines from bytes: the same for every chunking, bounded, and never an unfinished one."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_forge.core.errors import ResponseTooLargeError
from llm_forge.core.lines import LineDecoder

TEXT = b'{"a":1}\r\n\n  \n{"b":"\xe2\x82\xac"}\n{"c":'


@given(st.lists(st.integers(0, len(TEXT))))
def test_any_chunking_gives_the_same_lines_and_rest(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(TEXT)]
    decoder = LineDecoder()
    lines = [line for one, two in pairwise(places) for line in decoder.feed(TEXT[one:two])]
    assert lines == [b'{"a":1}', b'{"b":"\xe2\x82\xac"}']
    assert decoder.finish() == b'{"c":'


@pytest.mark.requirement("R-132")
def test_a_line_beyond_the_limit_is_refused_after_the_lines_before_it() -> None:
    decoder = LineDecoder(max_line_bytes=4)
    assert decoder.feed(b"one\ntwo\nthree\nfour\n") == [b"one", b"two"]
    with pytest.raises(ResponseTooLargeError):
        decoder.feed(b"")


@pytest.mark.requirement("R-132")
def test_an_endless_line_is_refused_before_it_ends() -> None:
    decoder = LineDecoder(max_line_bytes=1000)
    for _ in range(10):
        decoder.feed(b"x" * 100)
    with pytest.raises(ResponseTooLargeError):
        decoder.feed(b"x")
