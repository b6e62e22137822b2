"""Writes what the driver knows of providers, their profiles and operations, as JSON: `tables.py FILE`.

It reads the descriptions as every target does, so that the driver needs no generated SDK.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from llm_forge.spec import ir, load_description

PROVIDERS = ("openai", "anthropic", "groq", "mistral")


def main(target: Path) -> None:
    """Write the tables."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({name: _provider(load_description(name)) for name in PROVIDERS}))


def _provider(api: ir.Api) -> dict[str, Any]:
    operations = {one.name: _operation(one, api) for one in api.operations()}
    return {"client": api.client, "profile": _profile(api), "operations": operations}


def _profile(api: ir.Api) -> dict[str, Any]:
    probe = None if api.health is None else api.operation(api.health)
    errors = {name: value for name, value in asdict(api.errors).items() if value is not None}
    return _camel(
        {
            "name": api.provider,
            "base_url": api.servers[0] if api.servers else "",
            "env_api_key": api.env.api_key,
            "env_base_url": api.env.base_url,
            "auth": asdict(api.auth),
            **({"request_id_headers": api.request_id_headers} if api.request_id_headers else {}),
            "rate_limits": [
                {name: value for name, value in asdict(one).items() if value is not None}
                for one in api.rate_limits
            ],
            "base_url_suffixes": api.base_url_suffixes,
            "secret_headers": api.secret_headers,
            "idempotency_header": api.idempotency_header,
            "attempt_header": api.attempt_header,
            "previous_attempts_header": api.previous_attempts_header,
            "health": None
            if probe is None
            else {"name": probe.name, "path": probe.path, "group": probe.group},
        }
    ) | {
        "headers": dict(api.headers),
        "errors": _camel(errors) | {"statusOfType": dict(api.errors.status_of_type)},
    }


def _operation(operation: ir.Operation, api: ir.Api) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": operation.name,
        "method": operation.http_method,
        "path": operation.path,
        "replay": operation.replay,
        "group": operation.group,
        "has_body": operation.body is not None,
        "answer": _answer(operation.result, api),
        "accept": operation.result.media_type,
    }
    if operation.stream is not None and operation.stream.family is not None:
        facts = asdict(operation.stream)
        names = ("family", "parameter", "value", "ndjson", "terminal", "type_field")
        told["stream"] = {name: facts[name] for name in names}
    if operation.body is not None:
        told["body"] = _body(operation.body, api)
    if operation.pagination is not None:
        told["pages"] = _pages(operation.pagination)
    made = _camel(told)
    made["places"] = {one.name: one.location for one in operation.parameters}
    made["shape"] = _shape(operation.result.type, api, 0)
    return made


def _pages(rule: ir.Pagination) -> dict[str, Any]:
    facts = {name: getattr(rule, name) for name in rule.__dataclass_fields__ if name != "otherwise"}
    return facts if rule.otherwise is None else {**facts, "otherwise": _pages(rule.otherwise)}


def _answer(result: ir.Result, api: ir.Api) -> str:
    if result.kind in ("lines", "binary", "empty"):
        return result.kind
    return "object" if isinstance(_resolved(result.type, api), (ir.ObjectType, ir.TaggedUnion)) else "json"


def _body(body: ir.Body, api: ir.Api) -> dict[str, Any]:
    kind = "object" if body.kind == "json" and _is_object(body.type, api) else body.kind
    files = [one.name for one in _fields(body.type, api) if _is_file(one.type, api)]
    return {"kind": kind, "media_type": body.media_type, "files": files}


def _is_object(type_: ir.Type, api: ir.Api) -> bool:
    return isinstance(_resolved(type_, api), (ir.ObjectType, ir.TaggedUnion, ir.Union))


def _is_file(type_: ir.Type, api: ir.Api) -> bool:
    found = _resolved(type_, api)
    return isinstance(found, ir.Primitive) and found.format == "binary"


def _fields(type_: ir.Type, api: ir.Api) -> Iterator[ir.Property]:
    found = _resolved(type_, api)
    yield from found.properties if isinstance(found, ir.ObjectType) else ()


def _shape(type_: ir.Type, api: ir.Api, depth: int) -> dict[str, Any]:
    """The required fields of a type, as far down as anybody asks."""
    found = _resolved(type_, api)
    if isinstance(found, ir.ListType) and depth < 3:
        return {"items": _shape(found.item, api, depth + 1)}
    fields = list(_fields(found, api)) if depth < 3 else []
    inner = {one.name: shape for one in fields if (shape := _shape(one.type, api, depth + 1))}
    required = [one.name for one in fields if one.required]
    return {
        **({"required": required} if required else {}),
        **({"fields": inner} if inner else {}),
    }


def _resolved(type_: ir.Type, api: ir.Api) -> ir.Type:
    while isinstance(type_, (ir.Ref, ir.Nullable)):
        type_ = api.types[type_.name].type if isinstance(type_, ir.Ref) else type_.inner
    return type_


def _camel(value: Any) -> Any:
    """Our own names in TypeScript's casing."""
    if isinstance(value, dict):
        return {
            re.sub("_([a-z])", lambda match: match[1].upper(), name): _camel(one)
            for name, one in value.items()
        }
    return [_camel(one) for one in value] if isinstance(value, (list, tuple)) else value


if __name__ == "__main__":
    main(Path(sys.argv[1]))
