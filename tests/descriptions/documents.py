"""API documents read for comparison: parsed by YAML 1.2 rules, references followed."""

from __future__ import annotations

import gzip
import re
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote

import yaml

from tests.shared import ROOT, SHARED

if TYPE_CHECKING:
    from pathlib import Path

Node: TypeAlias = dict[str, Any]

PROVIDERS = ("anthropic", "groq", "mistral", "openai")
DESCRIPTIONS = ROOT / "src" / "llm_forge" / "descriptions"
_GZIP = b"\x1f\x8b"
VERBS = ("get", "put", "post", "delete", "patch")

_CORE_SCHEMA = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?",
        list("-+0123456789."),
    ),
)


class Yaml12Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # chosen at run time
    """Reads plain scalars by the YAML 1.2 core schema: `1e-08` is a number, `on` and `no` are strings."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own attribute, filled below


for _name, _pattern, _first in _CORE_SCHEMA:
    Yaml12Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(rf"(?:{_pattern})\Z"), _first)


class Document:
    """One OpenAPI document and the way to follow its references; a dangling one reads as an empty schema."""

    def __init__(self, name: str, root: Node) -> None:
        self.name = name
        self.root = root

    def at(self, reference: str) -> Any:
        """Return what a reference inside this document points to; KeyError if it points nowhere."""
        node: Any = self.root
        for step in reference.removeprefix("#/").split("/"):
            node = node[unquote(step).replace("~1", "/").replace("~0", "~")]
        return node

    def follow(self, node: Node) -> Node:
        """Return the node itself, or what it refers to."""
        if "$ref" not in node:
            return node
        try:
            target: Node = self.at(node["$ref"])
        except (KeyError, TypeError):
            return {}
        return self.follow(target)

    def schema(self, name: str) -> Node:
        """Return a named schema; KeyError names the document's own mistake in the caller's table."""
        found: Node = self.root["components"]["schemas"][name]
        return found


def parse(text: str) -> Any:
    """Return the document that the text holds, by YAML 1.2 rules."""
    return yaml.load(text, Loader=Yaml12Loader)  # noqa: S506 - a safe loader with other scalar rules


def description_path(provider: str) -> Path:
    """Return where our description of a provider lies."""
    return DESCRIPTIONS / f"{provider}.yaml"


def description_files(provider: str) -> list[Path]:
    """Return the files of a description: the main one, then those with the types of its services."""
    return [description_path(provider), *sorted((DESCRIPTIONS / provider).glob("*.yaml"))]


@cache
def description(provider: str) -> Document:
    """Return our description of a provider as one document, parsed once.

    A schema has one name in all files, so a reference needs no file. ValueError names one given twice.
    """
    root, *parts = (parse(file.read_text(encoding="utf-8")) for file in description_files(provider))
    schemas = root["components"]["schemas"]
    for part in parts:
        if twice := schemas.keys() & part["components"]["schemas"].keys():
            raise ValueError(f"schemas of {provider} in two files: {sorted(twice)}")
        schemas.update(part["components"]["schemas"])
    _forget_files(root)
    return Document(provider, root)


def _forget_files(node: Any) -> None:
    """Make each reference, those of discriminators included, one into its own document."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(value, (dict, list)):
            _forget_files(value)
        elif isinstance(value, str) and "#/components/" in value:
            node[key] = value[value.index("#/components/") :]


@cache
def vendor_document(name: str) -> Document:
    """Return a vendor's document from the reference data, parsed once."""
    return read_document(SHARED / "specs" / f"{name}.yaml.gz")


def read_document(path: Path) -> Document:
    """Return a document of any place, YAML or JSON, gzipped or not, called after its file."""
    data = path.read_bytes()
    plain = gzip.decompress(data) if data.startswith(_GZIP) else data
    return Document(path.name.removesuffix(".gz").rpartition(".")[0], parse(plain.decode("utf-8")))


def operations(document: Document) -> dict[str, tuple[str, str, Node]]:
    """Return the operations of a document by id, each with path, verb and definition."""
    found = {}
    for path, item in document.root["paths"].items():
        for verb in VERBS:
            if verb in item:
                found[item[verb]["operationId"]] = (path, verb, item[verb])
    return found


def endpoints(document: Document) -> set[str]:
    """Return the operations of a document as `verb path`."""
    paths = document.root["paths"].items()
    return {f"{verb} {path}" for path, item in paths for verb in VERBS if verb in item}
