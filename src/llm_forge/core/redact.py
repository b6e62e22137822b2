"""Text, headers and URLs without credentials (R-242, R-218).

A secret is found as it is, percent-encoded, JSON-escaped (also mixed: each character that an encoder
may touch is taken in any of these spellings) and inside Base64 at each of the three alignments.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from urllib.parse import quote_plus

from .headers import Headers
from .secrets import REDACTED, Secret

SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key", "x-goog-api-key"}
)
_SHOWN_HEADERS = frozenset(
    {
        "content-type",
        "date",
        "retry-after",
        "retry-after-ms",
        "x-should-retry",
        "openai-processing-ms",
        "cf-ray",
        "mistral-correlation-id",
    }
)
_SHOWN_PARTS = ("ratelimit", "request-id")
_QUERY_VALUE = re.compile(
    r"(?i)([?&;][^=&#?;]{0,64}(?:key|token|secret|sig|auth|passw|credential)[^=&#?;]{0,64}=)[^&#\s]*"
)
_USER_INFO = re.compile(r"(://)[^/?#@\s]*@")
# A credential by its scheme, although it is none of ours. Other keys that a provider quotes in its own
# message stay: the message is the provider's.
_LOOKS_SECRET = re.compile(r"(?i)\b(bearer|basic)(\s+)[\w.~+/=*-]{8,}")
_HALF_MASKED = re.compile(r"(?<![\w*-])([\w-]+)\*{3,}([\w-]*)")
_MIN_BASE64 = 8
# A shorter credential is a word of a test or a local server: it goes where it stands alone, for inside
# other words it is chance.
_SHORTEST_ANYWHERE = 8
_SHORTEST_PART = 4
_SECRET_NAME = re.compile(
    r"(?i)(?:^|[-_])(?:api-?key|token|secret|auth|authorization|cookie|password|credentials?)(?:$|[-_])"
)


def names_a_secret(header: str) -> bool:
    """Whether a header's name says that its value is a credential (R-242)."""
    return header.lower() in SECRET_HEADERS or _SECRET_NAME.search(header) is not None


def secrets_in_header(value: str) -> tuple[Secret, ...]:
    """What to look for of a secret header's value: all of it, what follows a scheme, values of cookies."""
    parts = [*value.split()[1:], *(pair.partition("=")[2].strip() for pair in value.split(";"))]
    found = {value.strip(), *(part for part in parts if len(part) >= _SHORTEST_PART)}
    return tuple(Secret(text) for text in sorted(found) if text)


class Redactor:
    """Replaces credentials by `[redacted]`; made once per client from everything it holds secret."""

    def __init__(
        self,
        secrets: Iterable[Secret] = (),
        secret_headers: Iterable[str] = (),
        secret_parameters: Iterable[str] = (),
    ) -> None:
        values = {secret.reveal() for secret in secrets} - {""}
        forms = [form for value in sorted(values, key=len, reverse=True) for form in _forms(value)]
        self._values = values
        self._secrets = re.compile("|".join(forms)) if forms else None
        self._hidden = SECRET_HEADERS | {name.lower() for name in secret_headers}
        self._parameters = frozenset(secret_parameters)

    def text(self, text: str) -> str:
        """The text with every credential replaced."""
        if self._secrets is not None:
            text = self._secrets.sub(REDACTED, text)
        text = _HALF_MASKED.sub(self._unless_ours, text)
        return _LOOKS_SECRET.sub(rf"\1\2{REDACTED}", text)

    def _unless_ours(self, match: re.Match[str]) -> str:
        """A half-masked key, unless it is one of ours: no character of a secret is shown (R-005)."""
        head, tail = match.groups()
        ours = any(value.startswith(head) and value.endswith(tail) for value in self._values)
        return REDACTED if ours else match.group()

    def headers(self, headers: Headers) -> dict[str, str]:
        """The headers worth keeping on an error: limits, waits, ids and the content type."""
        names = [name for name in headers if self._shows(name)]
        return {name: self.text(headers[name]) for name in names}

    def url(self, url: str) -> str:
        """The URL without user-info and without the values of query parameters that hold secrets."""
        url = _QUERY_VALUE.sub(rf"\1{REDACTED}", _USER_INFO.sub(r"\1", url))
        for name in self._parameters:
            url = re.sub(rf"([?&;]{re.escape(quote_plus(name))}=)[^&#\s]*", rf"\1{REDACTED}", url)
        return self.text(url)

    def _shows(self, name: str) -> bool:
        if name in self._hidden:
            return False
        return name in _SHOWN_HEADERS or any(part in name for part in _SHOWN_PARTS)


def _forms(value: str) -> list[str]:
    """Patterns for one secret."""
    plain = "".join(map(_char, value))
    if len(value) < _SHORTEST_ANYWHERE:
        return [rf"(?<![\w-]){plain}(?![\w-])"]
    return [plain, *_base64_forms(value.encode())]


def _char(char: str) -> str:
    """One character as it is, percent-encoded, or escaped for JSON any number of times."""
    if (char.isascii() and char.isalnum()) or char in "-_.":
        return re.escape(char)  # no encoder touches these
    percent = "".join(f"%{byte:02x}" for byte in char.encode())
    literal = r"\\+" if char == "\\" else re.escape(char)
    if char in '"/':
        literal = r"\\*" + literal
    return rf"(?:{literal}|(?i:{percent})|(?i:\\+u{ord(char):04x}))"


def _base64_forms(value: bytes) -> list[str]:
    """The Base64 characters that depend on the secret alone, whatever stands before and after it."""
    forms = set()
    for before in range(3):
        text = base64.b64encode(b"\0" * before + value).decode().rstrip("=")
        first = (before * 8 + 5) // 6
        last = (before + len(value)) * 8 // 6
        part = text[first:last]
        if len(part) >= _MIN_BASE64:
            forms |= {part, part.replace("+", "-").replace("/", "_")}
    return [re.escape(form) for form in sorted(forms)]
