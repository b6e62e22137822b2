"""What a target language is, to those who generate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ..spec.errors import Notice
from ..spec.ir import Api


@dataclass(frozen=True, slots=True)
class Options:
    """`package` is the import name of a stand-alone SDK; None lets the target choose."""

    package: str | None = None


class Target(Protocol):
    """One language: an API in, files out; nothing is read but the target's own folder."""

    def files(self, api: Api, options: Options) -> Mapping[str, str | bytes]:
        """A whole stand-alone SDK: contents by relative path with forward slashes."""
        ...

    def left_out(self, api: Api) -> tuple[Notice, ...]:
        """One notice for each operation of the tree that the SDK lacks."""
        ...

    def notices(self, api: Api) -> tuple[Notice, ...]:
        """All that the SDK does not do as described: `left_out`, then single parameters."""
        ...
