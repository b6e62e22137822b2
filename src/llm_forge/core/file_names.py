"""Names of files that a server chose, made harmless (R-244).

A name from the network is text an attacker may have written: only its last part counts, without control
and path characters, without dots in front, not longer than file systems allow.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote_to_bytes

LONGEST_BYTES = 200  # file systems allow 255; room is left for the suffix of an unfinished file
FALLBACK = "download"
_FORBIDDEN = frozenset('<>:"|?*')
# Windows opens devices by these names, with any extension.
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?\Z", re.IGNORECASE)
_PARAMETER = re.compile(r';\s*([\w!#$&+.^`|~-]+)(\*?)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')


def safe_file_name(name: str) -> str:
    """The base name to store a file under; `download` where nothing usable is left."""
    last = re.split(r"[/\\]", name)[-1]
    kept = "".join(one for one in last if one not in _FORBIDDEN and unicodedata.category(one)[0] != "C")
    kept = kept.strip(" .")
    if _DEVICES.match(kept):
        kept = f"_{kept}"
    return _shortened(kept) or FALLBACK


def disposition_name(header: str) -> str | None:
    """The file name of a Content-Disposition header as it was sent (RFC 6266); None without one.

    `filename*` comes before `filename`; it is percent-encoded in the character set that it names.
    """
    plain: str | None = None
    for name, star, value in _PARAMETER.findall(header):
        if name.lower() != "filename":
            continue
        value = value.strip()
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        if not star:
            plain = plain or value
        elif (extended := _extended(value)) is not None:
            return extended
    return plain or None


def _extended(value: str) -> str | None:
    """The text of `UTF-8'en'a%20name` (RFC 8187), None if it is malformed."""
    charset, quote, rest = value.partition("'")
    if not quote or charset.lower() not in ("utf-8", "iso-8859-1"):
        return None
    return unquote_to_bytes(rest.partition("'")[2]).decode(charset, "replace") or None


def _shortened(name: str) -> str:
    """The name within the limit, its extension kept."""
    if len(name.encode()) <= LONGEST_BYTES:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension.encode()) > LONGEST_BYTES // 4:
        stem, extension = name, ""
    room = LONGEST_BYTES - len(f".{extension}".encode())
    cut = stem.encode()[:room].decode("utf-8", "ignore").rstrip(" .")
    return f"{cut}.{extension}" if extension else cut
