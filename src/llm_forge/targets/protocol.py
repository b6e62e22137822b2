"""What a target language is, to those who generate; docs/adding-a-language.md is the guide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from ..spec.errors import Notice
from ..spec.ir import Api

Runtime = Literal["vendored", "dependency"]


class OptionError(ValueError):
    """An option that a target cannot follow; the message names it and says what is possible."""


@dataclass(frozen=True, slots=True)
class Options:
    """How an SDK is to be made; what is None the target chooses.

    `name` is what the SDK is called where it is published: on PyPI, npm or crates.io, or its Go module path.
    `package` is the name it is imported by, for languages where the two differ. `runtime` says whether the
    language's runtime is copied into the SDK or is a package that the SDK depends on.
    """

    package: str | None = None
    name: str | None = None
    runtime: Runtime = "vendored"


class Target(Protocol):
    """One language: an API in, files out; nothing is read but the target's own folder.

    All methods are pure: the same arguments give the same bytes on every machine, in every order.
    """

    def files(self, api: Api, options: Options) -> Mapping[str, str | bytes]:
        """A whole SDK: contents by relative path with forward slashes.

        Raises:
            OptionError: a name that the language does not allow, or a runtime that the target does not offer.
        """
        ...

    def faces(self, api: Api) -> Mapping[str, str]:
        """The part that is made from the description alone: what golden/ holds, without the runtime."""
        ...

    def left_out(self, api: Api) -> tuple[Notice, ...]:
        """One notice for each operation of the tree that the SDK lacks."""
        ...

    def notices(self, api: Api) -> tuple[Notice, ...]:
        """All that the SDK does not do as described: `left_out`, then single parameters."""
        ...
