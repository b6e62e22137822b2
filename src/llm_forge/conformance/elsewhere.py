"""Cases of the contract that no driver plays, and the tests that prove them instead.

The list of a language is `conformance/elsewhere/<language>.yaml`; the result page shows it.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from .results import ConformanceError


class Elsewhere(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One case: why it is no scenario, and its tests as `path::name` from the project's folder.

    A case without tests is not proven in this language, and `why` says so.
    """

    id: str
    why: str
    tests: tuple[str, ...]


def load_elsewhere(path: Path) -> list[Elsewhere]:
    """The list of a language, empty where it has none; ConformanceError names what is wrong."""
    if not path.exists():
        return []
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=list[Elsewhere])
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise ConformanceError(f"{path}: {error}") from None
