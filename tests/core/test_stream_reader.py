from __future__ import annotations

from typing import get_args

import pytest

from llm_forge.core.profile import Family, StreamRule
from llm_forge.core.stream import StreamReader


@pytest.mark.requirement("R-144")
@pytest.mark.parametrize("family", get_args(Family))
def test_an_event_that_is_null_is_not_the_sentinel(family: Family) -> None:
    reader = StreamReader(StreamRule(family, dict), lambda _: None)
    reader.feed(b"data: null\n\n")
    assert reader.completion is None
    assert reader.failure is not None
    assert reader.failure.kind == "StreamProtocolError"
