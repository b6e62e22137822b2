"""A configuration file as plain values that know where they stand (R-013).

Rules of this file:
- The loader is the safe one: no tag makes an object. It is imported when a file is read, not before.
- At most 1 MiB, 1,000 nodes from aliases, and 50 levels; a file is refused as a whole beyond that.
- A key is taken as written: nothing is interpolated. A key given twice is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import ConfigError

if TYPE_CHECKING:
    from yaml import MappingNode, Node, SafeLoader

MAX_BYTES = 1024 * 1024
MAX_ALIASED = 1000
MAX_DEPTH = 50


@dataclass(frozen=True, slots=True)
class Place:
    """A value and where it stands: `file:line` and the dotted path of its keys."""

    value: Any = field(repr=False)  # it could be a credential, though none belongs there
    file: str
    line: int
    path: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def error(self, message: str) -> ConfigError:
        """An error at this place."""
        return ConfigError(f"{self}: {f'{self.path}: ' if self.path else ''}{message}")

    def entries(self) -> Iterator[tuple[str, Place]]:
        """Keys and values of a mapping, nothing for an empty one; ConfigError for any other kind."""
        if self.value is not None and not isinstance(self.value, Mapping):
            raise self.error(f"expected a mapping, found {self.kind()}")
        yield from (self.value or {}).items()

    def plain(self) -> Any:
        """The value without the places in it."""
        if isinstance(self.value, Mapping):
            return {name: place.plain() for name, place in self.value.items()}
        if isinstance(self.value, list):
            return [place.plain() for place in self.value]
        return self.value

    def kind(self) -> str:
        """What sort of value this is; never the value, which could be a credential."""
        if isinstance(self.value, Mapping):
            return "a mapping"
        return {list: "a list", str: "text", bool: "true or false", type(None): "nothing"}.get(
            type(self.value), "a number"
        )


def read_document(path: Path) -> Place:
    """The file as a tree of places; ConfigError with file and line."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: the configuration cannot be read: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{path}: a configuration of more than {MAX_BYTES} bytes is refused")
    return _parse(content, str(path))


def _parse(content: bytes, name: str) -> Place:
    try:
        import yaml
    except ImportError:
        raise ConfigError(f"{name}: configuration files need a package: pip install PyYAML") from None
    try:
        loader = yaml.SafeLoader(content)
        try:
            root = loader.get_single_node()
            return Place(None, name, 1) if root is None else _Reader(loader, name).place(root, "", 0)
        finally:
            loader.dispose()
    except RecursionError:
        raise ConfigError(f"{name}: the configuration is nested too deeply") from None
    except yaml.MarkedYAMLError as error:
        # Without the library's excerpt of the file: it could show a credential.
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{name}:{line}: not YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError):
        raise ConfigError(f"{name}: not YAML") from None


class _Reader:
    """Makes places of a document's nodes, and counts those that aliases repeat."""

    def __init__(self, loader: SafeLoader, file: str) -> None:
        self._loader = loader
        self._file = file
        self._seen: set[int] = set()
        self._aliased = 0

    def place(self, node: Node, path: str, depth: int) -> Place:
        """The value of a node."""
        import yaml

        line = node.start_mark.line + 1
        found = Place(None, self._file, line, path)
        again = id(node) in self._seen
        self._count(again, found, depth)
        self._seen.add(id(node))
        value: Any
        if isinstance(node, yaml.MappingNode):
            value = self._mapping(node, found, depth, again=again)
        elif isinstance(node, yaml.SequenceNode):
            value = [self.place(one, f"{path}[{at}]", depth + 1) for at, one in enumerate(node.value)]
        else:
            value = self._loader.construct_object(node)
        return Place(value, self._file, line, path)

    def _count(self, again: bool, found: Place, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise found.error(f"more than {MAX_DEPTH} levels, or an alias that contains itself")
        self._aliased += again
        if self._aliased > MAX_ALIASED:
            raise found.error(f"aliases repeat more than {MAX_ALIASED} values")

    def _mapping(self, node: MappingNode, found: Place, depth: int, *, again: bool) -> dict[str, Place]:
        own = [] if again else [key.value for key, _ in node.value if isinstance(key.value, str)]
        if doubled := [key for at, key in enumerate(own) if key in own[:at]]:
            raise found.error(f"the key {doubled[0]!r} is given twice")
        self._loader.flatten_mapping(node)  # `<<`: what is merged comes first, own keys win
        made: dict[str, Place] = {}
        for key, value in node.value:
            name = key.value if isinstance(key.value, str) else ""
            made[name] = self.place(value, f"{found.path}.{name}".lstrip("."), depth + 1)
        return made
