"""Words out of wire names, for names that a description does not give itself."""

from __future__ import annotations

import re

LONGEST_NAME = (
    40  # of what becomes part of a file's name; gofmt aligns names up to here whatever stands beside them
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[A-Z]")


def words(text: str) -> list[str]:
    """The ASCII words of a name: `getHTTPBody-v2` gives get, HTTP, Body, v, 2."""
    return _WORD.findall(text)


def shortened(name: str) -> str:
    """A name that is not too long for a file, ended where a word ends if it can be."""
    if len(name) <= LONGEST_NAME:
        return name
    whole, _, _ = name[: LONGEST_NAME + 1].rpartition("_")
    return whole or name[:LONGEST_NAME]


def pascal(text: str) -> str:
    """A name in PascalCase; words keep capitals they have."""
    return "".join(word[0].upper() + word[1:] for word in words(text))


def snake(text: str) -> str:
    """A name in snake_case; a single letter before digits stays with them (`v1`)."""
    joined = "_".join(word.lower() for word in words(text))
    return re.sub(r"(?<![a-z0-9])([a-z])_([0-9])", r"\1\2", joined)
