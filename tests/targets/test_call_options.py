"""The generator keeps the names of call options free; they are said in the runtime."""

from __future__ import annotations

from llm_forge.runtime.options import CallOptions
from llm_forge.targets.python.names import CALL_OPTIONS


def test_the_generator_knows_exactly_the_call_options_of_the_runtime() -> None:
    assert frozenset(CallOptions.__annotations__) == CALL_OPTIONS
