"""Webhooks: genuine and fresh ones are read, all others refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest

from llm_forge.core.errors import AuthError, ConfigError, InvalidRequestError
from llm_forge.core.webhooks import WebhookScheme
from llm_forge.runtime.webhooks import verify_webhook

# The example of the Standard Webhooks specification.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, TIMESTAMP = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def verified(body: bytes = BODY, secret: Any = SECRET, at: float = TIMESTAMP, **headers: str) -> Any:
    """What the verification gives at a time; header names with underscores."""
    found = {"webhook-id": ID, "webhook-timestamp": str(TIMESTAMP), "webhook-signature": SIGNATURE}
    found |= {name.replace("_", "-"): value for name, value in headers.items()}
    return verify_webhook(body, found, secret, clock=lambda: at)


@pytest.mark.requirement("R-252")
def test_the_example_of_the_specification_is_genuine() -> None:
    assert verified() == {"test": 2432232314}


@pytest.mark.requirement("R-252")
@pytest.mark.parametrize(
    ("late", "accepted"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)]
)
def test_a_message_is_accepted_for_five_minutes(late: float, accepted: bool) -> None:
    if accepted:
        assert verified(at=TIMESTAMP + late)
        return
    with pytest.raises(AuthError, match="replay"):
        verified(at=TIMESTAMP + late)


@pytest.mark.requirement("R-252")
@pytest.mark.parametrize(
    "change",
    [
        {"body": BODY + b" "},
        {"webhook_id": "msg_other"},
        {"webhook_timestamp": str(TIMESTAMP + 1)},
        {"webhook_timestamp": "soon"},
        {"webhook_signature": "v1,AAAA"},
        {"webhook_signature": SIGNATURE.replace("v1,", "v2,")},
        {"webhook_signature": ""},
        {"secret": "whsec_" + base64.b64encode(b"another").decode()},
    ],
)
def test_whatever_is_changed_makes_a_message_worthless(change: dict[str, Any]) -> None:
    with pytest.raises(AuthError):
        verified(**change)


def test_any_of_several_signatures_and_secrets_will_do() -> None:
    other = "whsec_" + base64.b64encode(b"another").decode()
    assert verified(secret=[other, SECRET], webhook_signature=f"v1a,x v1,AAAA {SIGNATURE}")


def test_a_secret_that_is_none_is_named_without_being_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        verified(secret="whsec_not base64!")
    assert "not base64!" not in str(caught.value)


@pytest.mark.parametrize("secret", ["whsec_YW-Jj", "whsec_abcde"])
def test_a_secret_is_base64_to_the_letter(secret: str) -> None:
    with pytest.raises(
        ConfigError, match=r"^The webhook secret is not Base64; copy it whole from the provider$"
    ):
        verified(secret=secret)


@pytest.mark.requirement("R-252")
@pytest.mark.parametrize("timestamp", ["soon", "-1", "1.5", "²", "1" * 16])
def test_a_timestamp_is_a_whole_number_of_seconds(timestamp: str) -> None:
    with pytest.raises(AuthError, match=r"^The webhook's timestamp is not a whole number of seconds$"):
        verified(webhook_timestamp=timestamp)


@pytest.mark.requirement("R-252")
def test_a_timestamp_of_fifteen_digits_is_one_that_is_out_of_time() -> None:
    with pytest.raises(AuthError, match="replay"):
        verified(webhook_timestamp="1" * 15)


@pytest.mark.requirement("R-252")
@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_header_that_is_missing_is_named(name: str) -> None:
    headers = {"webhook-id": ID, "webhook-timestamp": str(TIMESTAMP), "webhook-signature": SIGNATURE}
    del headers[name]
    with pytest.raises(AuthError, match=f"^The webhook has no header {name}$"):
        verify_webhook(BODY, headers, SECRET, clock=lambda: float(TIMESTAMP))


@pytest.mark.requirement("R-252")
def test_a_signature_that_does_not_fit_says_so() -> None:
    with pytest.raises(AuthError, match=r"^The webhook's signature does not fit its content and the secret$"):
        verified(BODY + b" ")


def test_text_and_what_is_no_json_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="bytes"):
        verify_webhook("{}", {}, SECRET)  # type: ignore[arg-type]  # the mistake that is tested
    body, key = b"no json", base64.b64decode(SECRET.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{ID}.{TIMESTAMP}.".encode() + body, hashlib.sha256)
    with pytest.raises(InvalidRequestError, match="JSON"):
        verified(body, webhook_signature=f"v1,{base64.b64encode(digest).decode()}")


def test_another_scheme_is_only_other_data() -> None:
    scheme = WebhookScheme(
        signature_header="x-signature",
        timestamp_header="x-time",
        signed=("timestamp", "body"),
        version="",
        signature_encoding="hex",
        key_encoding="text",
    )
    signature = hmac.digest(b"shared", b"1000." + BODY, hashlib.sha256).hex()
    headers = [("X-Signature", signature), ("X-Time", "1000")]
    assert verify_webhook(BODY, headers, "shared", scheme=scheme, clock=lambda: 1000.0)
