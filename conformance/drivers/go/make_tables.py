"""Writes tables.json: what the driver's clients know of each provider, from the Python clients' own tables.

    python conformance/drivers/go/make_tables.py [--check]

The generated Go clients carry the same facts as Go values; the driver needs only those operations that
scenarios use.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from llm_forge.core.profile import Operation
from llm_forge.spec import ir, load_description

PROVIDERS = ("openai", "anthropic", "groq", "mistral")
OPERATIONS = (
    "chat.completions.create",
    "messages.create",
    "responses.create",
    "models.list",
    "models.get",
    "files.create",
    "files.content",
)
TABLES = Path(__file__).with_name("tables.json")
_NOT_FACTS = frozenset({"result", "event", "capabilities"})


def plain(value: Any) -> Any:
    """A dataclass as JSON, without what is code, and without defaults that are nothing."""
    if is_dataclass(value):
        found = {
            one.name: plain(getattr(value, one.name)) for one in fields(value) if one.name not in _NOT_FACTS
        }
        return {name: entry for name, entry in found.items() if entry not in (None, {}, [])}
    if isinstance(value, (frozenset, set)):
        return sorted(value)
    if isinstance(value, (tuple, list)):
        return [plain(entry) for entry in value]
    return {name: plain(entry) for name, entry in value.items()} if hasattr(value, "items") else value


def required_paths(api: ir.Api, found: ir.Type, path: str = "", depth: int = 3) -> Iterator[str]:
    """The dotted path of each required field of an answer, with `*` for the entries of a list."""
    found = api.resolve(found)
    if isinstance(found, ir.Nullable):
        found = api.resolve(found.inner)
    if isinstance(found, ir.ListType):
        yield from required_paths(api, found.item, f"{path}*.", depth)
    if not isinstance(found, ir.ObjectType) or not depth:
        return
    for one in found.properties:
        if one.required:
            yield path + one.name
        yield from required_paths(api, one.type, f"{path}{one.name}.", depth - 1)


def table(provider: str) -> dict[str, Any]:
    """One provider: its profile, its operations, and which of their arguments stand in the query."""
    package = import_module(f"llm_forge.clients.{provider}.resources")
    modules = [import_module(f"{package.__name__}.{one.name}") for one in iter_modules(package.__path__)]
    found = {
        one.name: one
        for module in modules
        for one in vars(module).values()
        if isinstance(one, Operation) and one.name in OPERATIONS
    }
    described = load_description(provider)
    required = {
        name: sorted(required_paths(described, described.operation(name).result.type)) for name in found
    }
    query = {
        name: sorted(one.name for one in described.operation(name).parameters if one.location == "query")
        for name in found
    }
    profile = import_module(f"llm_forge.clients.{provider}.profile").PROFILE
    operations = {name: plain(found[name]) | {"required": required[name]} for name in sorted(found)}
    return {"profile": plain(profile), "operations": operations, "query": query}


def text() -> str:
    """The whole file."""
    return json.dumps({name: table(name) for name in PROVIDERS}, indent=1, sort_keys=True) + "\n"


def main() -> int:
    """Write the file, or with --check say whether it is as it should be."""
    made = text()
    if "--check" in sys.argv:
        return int(TABLES.read_text(encoding="utf-8") != made)
    TABLES.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
