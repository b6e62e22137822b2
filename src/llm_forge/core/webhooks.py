"""Signatures of webhooks (R-252): who sent a message, and when.

Rules of this file:
- The signature is over the bytes that arrived, so it is checked before anything decodes them.
- Comparison takes the same time wherever it fails; every secret and every signature is tried.
- A message outside the replay window is refused, whatever its signature says.
- A scheme is data. `STANDARD_WEBHOOKS` (standardwebhooks.com) is what OpenAI and many others use.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .errors import AuthError, ConfigError
from .headers import Headers
from .secrets import Secret

REPLAY_WINDOW = 300.0


@dataclass(frozen=True, slots=True)
class WebhookScheme:
    """How a provider signs: HMAC-SHA256 over the `signed` parts, joined by a dot.

    The signature header holds signatures separated by spaces, each `version`, a comma and the signature;
    with version "" it holds bare ones. A secret in Base64 may carry `key_prefix`.
    """

    signature_header: str = "webhook-signature"
    timestamp_header: str = "webhook-timestamp"
    id_header: str = "webhook-id"
    signed: tuple[Literal["id", "timestamp", "body"], ...] = ("id", "timestamp", "body")
    version: str = "v1"
    signature_encoding: Literal["base64", "hex"] = "base64"
    key_encoding: Literal["base64", "text"] = "base64"
    key_prefix: str = "whsec_"


STANDARD_WEBHOOKS = WebhookScheme()


def check_signature(
    scheme: WebhookScheme,
    secrets: Iterable[Secret],
    headers: Headers,
    body: bytes,
    *,
    now: float,
    window: float = REPLAY_WINDOW,
) -> None:
    """Return if one of the secrets signed this message within `window` seconds of `now` (since the epoch).

    Raises AuthError if not, and ConfigError for a secret that is none.
    """
    timestamp = _required(headers, scheme.timestamp_header)
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 15:
        raise AuthError("The webhook's timestamp is not a whole number of seconds")
    if abs(now - int(timestamp)) > window:
        raise AuthError(f"The webhook's timestamp is not within {window:g} s of now; it may be a replay")
    named = {"timestamp": timestamp.encode(), "body": body}
    if "id" in scheme.signed:
        named["id"] = _required(headers, scheme.id_header).encode()
    message = b".".join(named[part] for part in scheme.signed)
    given = _signatures(scheme, _required(headers, scheme.signature_header))
    matches = [
        hmac.compare_digest(_signature(scheme, secret, message), one.encode())
        for secret in secrets
        for one in given
    ]
    if not any(matches):
        raise AuthError("The webhook's signature does not fit its content and the secret")


def _required(headers: Headers, name: str) -> str:
    value = headers.get(name)
    if not value:
        raise AuthError(f"The webhook has no header {name}")
    return value


def _signatures(scheme: WebhookScheme, value: str) -> list[str]:
    """The signatures of the scheme's version; those of other versions are not ours to judge."""
    if not scheme.version:
        return value.split()
    start = f"{scheme.version},"
    return [one.removeprefix(start) for one in value.split() if one.startswith(start)]


def _signature(scheme: WebhookScheme, secret: Secret, message: bytes) -> bytes:
    digest = hmac.digest(_key(scheme, secret), message, "sha256")
    return base64.b64encode(digest) if scheme.signature_encoding == "base64" else digest.hex().encode()


def _key(scheme: WebhookScheme, secret: Secret) -> bytes:
    text = secret.reveal()
    if scheme.key_encoding == "text":
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(scheme.key_prefix), validate=True)
    except binascii.Error:
        raise ConfigError("The webhook secret is not Base64; copy it whole from the provider") from None
