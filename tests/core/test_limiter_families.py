from __future__ import annotations

import pytest

from llm_forge.core.limiter import Limit, family_of, limits_of

OPUS = Limit("requests", 5, 60, models="claude-opus-*")
CLAUDE = Limit("requests", 50, 60, models="claude-*")
OPUS_TOKENS = Limit("tokens", 1000, 60, models="claude-opus-*")
EACH = Limit("requests", 500, 60)
DECLARED = (OPUS, EACH, CLAUDE, OPUS_TOKENS)


@pytest.mark.requirement("R-105")
@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("claude-opus-4-1", "claude-opus-*"),
        ("claude-haiku-4-5", "claude-*"),
        ("claude-", "claude-*"),
        ("gpt-4o", None),
        ("", None),
    ],
)
def test_a_model_belongs_to_the_first_family_whose_pattern_matches_it(model: str, family: str | None) -> None:
    assert family_of(model, DECLARED) == family


@pytest.mark.requirement("R-105")
def test_a_family_has_its_own_limits_and_every_other_model_those_without_a_family() -> None:
    assert limits_of("claude-opus-*", DECLARED) == (OPUS, OPUS_TOKENS)
    assert limits_of(None, DECLARED) == (EACH,)


@pytest.mark.requirement("R-105")
@pytest.mark.parametrize(
    ("pattern", "model", "belongs"),
    [
        ("*", "anything", True),
        ("*", "", True),
        ("gpt-4", "gpt-4", True),
        ("gpt-4", "gpt-4o", False),
        ("*-mini", "gpt-4o-mini", True),
        ("gpt-*-mini", "gpt-4o-mini", True),
        ("gpt-*-mini", "gpt-mini", False),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-c", False),
        ("aa*aa", "aaa", False),
        ("*a*a*a*a*a*a*a*a*b", "a" * 4000, False),
        ("m.1", "mx1", False),
    ],
)
def test_a_star_is_any_text_and_every_other_character_itself(pattern: str, model: str, belongs: bool) -> None:
    assert (family_of(model, [Limit("requests", 1, 1, models=pattern)]) is not None) == belongs
