"""A secret shows itself to nobody who does not ask for it."""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import pickle
import pprint
import traceback
from typing import Any

import pytest

from llm_forge.core.codec import encode
from llm_forge.core.errors import ConfigError
from llm_forge.core.secrets import REDACTED, Secret

VALUE = "sk-canary-0123456789"


def attributes(secret: Secret) -> str:
    """What a debugger lists: every attribute that is not a method."""
    return " ".join(repr(getattr(secret, name)) for name in dir(secret))


@pytest.mark.requirement("R-004")
@pytest.mark.parametrize(
    "look",
    [
        repr,
        str,
        lambda s: f"{s} {s!r} {s:>20}",
        lambda s: "%s %r" % (s, s),  # noqa: UP031 - the old form is what is tested
        lambda s: json.dumps({"key": s}, default=str),
        lambda s: encode({"key": s}).decode(),
        lambda s: str(pickle.dumps(s)),
        lambda s: repr(copy.copy(s)) + repr(copy.deepcopy({"key": s})),
        lambda s: pprint.pformat({"key": [s]}),
        attributes,
        lambda s: logging.makeLogRecord({"msg": "%s", "args": (s,)}).getMessage(),
    ],
)
def test_every_way_to_look_gives_redacted(look: Any) -> None:
    assert VALUE not in look(Secret(VALUE))
    assert "canary" not in look(Secret(VALUE))


@pytest.mark.requirement("R-004")
@pytest.mark.parametrize("show", [repr, str, "{}".format, lambda s: json.loads(encode(s))])
def test_what_is_shown_instead_is_redacted(show: Any) -> None:
    assert show(Secret(VALUE)) == REDACTED


@pytest.mark.requirement("R-004")
def test_a_traceback_with_captured_locals_does_not_show_it() -> None:
    key = Secret(VALUE)
    try:
        raise ValueError(f"with {key}")
    except ValueError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "key = [redacted]" in shown
    assert "canary" not in shown.replace("VALUE", "")


@pytest.mark.requirement("R-004")
def test_it_has_no_dict_and_does_not_change() -> None:
    secret = Secret(VALUE)
    with pytest.raises(TypeError):
        vars(secret)
    with pytest.raises(AttributeError):
        secret.fingerprint = "x"
    with pytest.raises(AttributeError):
        del secret.fingerprint
    assert secret.reveal() == VALUE
    assert copy.deepcopy(secret).reveal() == VALUE


@pytest.mark.requirement("R-004")
def test_a_pickled_secret_is_lost_and_says_so() -> None:
    restored = pickle.loads(pickle.dumps(Secret(VALUE)))  # noqa: S301 - our own bytes
    assert repr(restored) == REDACTED
    assert restored.fingerprint == Secret(VALUE).fingerprint
    with pytest.raises(ConfigError, match="again"):
        restored.reveal()


def test_what_is_shown_fits_into_a_column() -> None:
    assert f"{Secret(VALUE):>12}|{Secret(VALUE):<12}|" == "  [redacted]|[redacted]  |"


def test_nothing_of_a_secret_can_be_set_or_deleted() -> None:
    secret = Secret(VALUE)
    with pytest.raises(AttributeError, match="a Secret does not change"):
        secret.other = 1  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="a Secret does not change"):
        del secret._read


@pytest.mark.requirement("R-006")
def test_every_visible_character_may_stand_in_a_credential() -> None:
    text = "".join(map(chr, range(0x21, 0x7F)))
    assert Secret.clean(text, "KEY").reveal() == text


@pytest.mark.requirement("R-005")
def test_the_fingerprint_is_the_beginning_of_its_sha_256() -> None:
    assert Secret(VALUE).fingerprint == hashlib.sha256(VALUE.encode()).hexdigest()[:8]


@pytest.mark.requirement("R-005")
def test_secrets_compare_by_value() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert hash(Secret("a")) == hash(Secret("a")) != hash(Secret("b"))


@pytest.mark.requirement("R-006")
@pytest.mark.parametrize("text", ["sk-1", "  sk-1\n", "\tsk-1\r\n"])
def test_cf_05_white_space_around_a_credential_is_dropped(text: str) -> None:
    assert Secret.clean(text, "OPENAI_API_KEY").reveal() == "sk-1"


@pytest.mark.requirement("R-006")
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sk-\ncanary", "a control character at position 4"),
        ("sk-\x00canary", "control"),
        ("sk-\x7fcanary", "control"),
        ("sk canary", "a space at position 3"),
        ("sk-canäry", "outside visible ASCII at position 7"),
        ("", "empty"),
        (" \n", "empty"),
    ],
)
def test_cf_06_a_credential_that_cannot_be_sent_is_refused_without_showing_it(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Secret.clean(text, "OPENAI_API_KEY")
    assert says in str(caught.value)
    assert "OPENAI_API_KEY" in str(caught.value)
    assert "can" not in str(caught.value).replace("cannot", "")
