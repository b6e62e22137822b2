"""Values that fit a JSON schema and take what they can from the prompt.

Evidence is used up in the order of the properties: numbers, quoted texts and names of the prompt go to
the first fields of their type, so `add 2 and 3` fills `{"a": 2, "b": 3}`. What the prompt does not say
comes from `default`, `enum`, limits, or a plain value. References, `allOf`, `anyOf` with null, arrays,
enums, formats and recursive schemas are followed; recursion ends as soon as a schema permits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]

_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w])")
_QUOTED = re.compile(
    r"\"([^\"]+)\"|(?<!\w)'([^']+)'(?!\w)|`([^`]+)`|“([^”]+)”|「([^」]+)」|『([^』]+)』|«([^»]+)»"
)
_WORD = r"[\"'`]\w+[\"'`]"
_KEYS = re.compile(rf"((?:{_WORD}(?:,? and |, ))*{_WORD}) (?:keys?|fields?|properties)\b")
_NAME = re.compile(r"(?<![.?!:]\s)(?<!^)\b[A-Z]\w+(?:[ -][A-Z]\w+)*")
_DEEPEST = 5  # from here on, whatever may be left out or null is
_BOTTOM = 12  # from here on, everything is null: the schema demands itself without end
_LONGEST = 1_000  # of a text or a list, whatever the schema demands
_FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
}


@dataclass(slots=True)
class Evidence:
    """What a prompt offers: its numbers, quoted texts and names, each used once."""

    prompt: str
    numbers: list[str] = field(default_factory=list)
    quoted: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.quoted = ["".join(groups) for groups in _QUOTED.findall(self.prompt)]
        bare = _QUOTED.sub(" ", self.prompt)
        self.numbers = _NUMBER.findall(bare)
        self.names = _NAME.findall(bare)

    def labelled(self, name: str) -> str | None:
        """The word after `name:`, `name =` or `name is`, if the prompt has it."""
        words = r"[\s_-]*".join(re.escape(part) for part in re.split(r"[_\W]+", name) if part)
        match = (
            re.search(rf"\b{words}\s*(?:[:=]|\bis\b)\s*([\w@./+-]+)", self.prompt, re.IGNORECASE)
            if words
            else None
        )
        return match[1].rstrip(".") if match else None

    def text(self) -> str | None:
        """The next quoted text, then the next name."""
        if self.quoted:
            return self.quoted.pop(0)
        return self.names.pop(0) if self.names else None

    def number(self) -> str | None:
        """The next number as it is written."""
        return self.numbers.pop(0) if self.numbers else None

    def mentioned(self, values: list[Any]) -> Any:
        """The first of the values that the prompt names, else the first of all."""
        low = self.prompt.lower()
        return next((value for value in values if str(value).lower() in low), values[0])


def value_for(schema: Schema, evidence: Evidence, *, everything: bool = True) -> Any:
    """A value that fits the schema.

    `everything` fills optional properties too (structured output); without it, only those that the
    prompt gives a reason for (arguments of a tool).
    """
    return _Filler(schema, evidence, everything).value(schema, "", 0)


def wanted_keys(prompt: str) -> tuple[str, ...]:
    """The keys of an object that a prompt asks for, as in `with 'name' and 'age' keys`."""
    found = _KEYS.search(prompt)
    return tuple(word[1:-1] for word in re.findall(_WORD, found[1])) if found else ()


def schema_fault(schema: Any, path: str = "") -> str | None:
    """Where a schema is no JSON schema, as `properties.a.items: must be ...`; None if it is one."""
    if isinstance(schema, bool):
        return None
    if not isinstance(schema, Mapping):
        return f"{path}: must be an object".removeprefix(": ")
    for key, (fits, words) in _KEYWORDS.items():
        if key in schema and not fits(schema[key]):
            return f"{path}.{key}: must be {words}".removeprefix(".")
    inner = ((f"{path}.{name}".removeprefix("."), item) for name, item in _inner(schema))
    return next((fault for place, item in inner if (fault := schema_fault(item, place))), None)


def _inner(schema: Schema) -> Iterator[tuple[str, Any]]:
    for key in ("properties", "$defs", "definitions"):
        yield from ((f"{key}.{name}", item) for name, item in schema.get(key, {}).items())
    for key in ("anyOf", "oneOf", "allOf"):
        yield from ((f"{key}.{index}", item) for index, item in enumerate(schema.get(key, ())))
    if "items" in schema:
        yield "items", schema["items"]


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _count(value: Any) -> bool:
    return isinstance(value, int) and value >= 0


_OBJECT = (lambda value: isinstance(value, dict), "an object")
_SCHEMAS = (lambda value: isinstance(value, list) and bool(value), "a list of schemas")
_COUNT = (_count, "a whole number")
_KEYWORDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "type": (lambda value: isinstance(value, str) or (_texts(value) and bool(value)), "a type or several"),
    "required": (_texts, "a list of names"),
    "enum": (lambda value: isinstance(value, list) and bool(value), "a list of values"),
    **dict.fromkeys(("properties", "$defs", "definitions"), _OBJECT),
    **dict.fromkeys(("anyOf", "oneOf", "allOf"), _SCHEMAS),
    **dict.fromkeys(("minItems", "maxItems", "minLength", "maxLength"), _COUNT),
}


@dataclass(slots=True)
class _Filler:
    root: Schema
    evidence: Evidence
    everything: bool
    left: int = 2_000  # values a schema may ask for; one that multiplies itself ends in nulls

    def value(self, schema: Any, name: str, depth: int) -> Any:
        self.left -= 1
        if depth > _BOTTOM or self.left < 0:
            return None
        schema = self.resolved(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self.evidence.mentioned(list(schema["enum"]))
        if variants := schema.get("anyOf") or schema.get("oneOf"):
            return self.variant(variants, name, depth)
        return self.typed(schema, self.type_of(schema, depth), name, depth)

    def typed(self, schema: Schema, kind: str, name: str, depth: int) -> Any:
        match kind:
            case "object":
                return self.object(schema, depth)
            case "array":
                return self.array(schema, name, depth)
            case "integer" | "number":
                return self.number(schema, kind)
            case "boolean":
                return schema.get("default", True)
            case "null":
                return None
        return self.text(schema, name)

    def resolved(self, schema: Any) -> Schema:
        """The schema behind `$ref` and `allOf`; an empty one for `true` and other oddities."""
        for _ in range(20):
            if not isinstance(schema, Mapping):
                return {}
            if "$ref" in schema:
                schema = {**self.target(schema["$ref"]), **{k: v for k, v in schema.items() if k != "$ref"}}
            elif "allOf" in schema:
                schema = self.merged(schema)
            else:
                return schema
        return {}

    def target(self, reference: Any) -> Schema:
        node: Any = self.root
        for part in str(reference).removeprefix("#").split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            if key:
                node = node.get(key, {}) if isinstance(node, Mapping) else {}
        return node if isinstance(node, Mapping) else {}

    def merged(self, schema: Schema) -> Schema:
        merged: dict[str, Any] = {key: item for key, item in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            for key, item in self.resolved(part).items():
                known = merged.get(key)
                if isinstance(known, Mapping) and isinstance(item, Mapping):
                    merged[key] = {**known, **item}
                elif isinstance(known, list) and isinstance(item, list):
                    merged[key] = [*known, *item]
                else:
                    merged.setdefault(key, item)
        return merged

    def variant(self, variants: list[Any], name: str, depth: int) -> Any:
        """The first variant that is not null, or null where the schema runs too deep."""
        null = [variant for variant in variants if self.resolved(variant).get("type") == "null"]
        if null and depth >= _DEEPEST:
            return None
        return self.value(next((one for one in variants if one not in null), variants[0]), name, depth)

    @staticmethod
    def type_of(schema: Schema, depth: int) -> str:
        kind = schema.get("type")
        if isinstance(kind, list):
            if "null" in kind and depth >= _DEEPEST:
                return "null"
            kind = next((one for one in kind if one != "null"), "null")
        if isinstance(kind, str):
            return kind
        return "object" if "properties" in schema else "array" if "items" in schema else "string"

    def object(self, schema: Schema, depth: int) -> dict[str, Any]:
        required = set(schema.get("required", ()))
        return {
            name: self.value(item, name, depth + 1)
            for name, item in schema.get("properties", {}).items()
            if name in required or self.optional(item, name, depth)
        }

    def optional(self, schema: Any, name: str, depth: int) -> bool:
        """Whether an optional property is filled: always, or when the prompt speaks of it."""
        if self.everything:
            return depth < _DEEPEST
        values = self.resolved(schema).get("enum") or ()
        low = self.evidence.prompt.lower()
        named = name.replace("_", " ").lower() in low
        return named or any(str(one).lower() in low for one in values)

    def array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        least = min(schema.get("minItems", 0), _LONGEST)
        items = self.resolved(schema.get("items", {}))
        wanted = max(least, self.offered(items, depth))
        return [
            self.value(items, name, depth + 1) for _ in range(min(wanted, schema.get("maxItems", wanted)))
        ]

    def offered(self, items: Schema, depth: int) -> int:
        if depth >= _DEEPEST:
            return 0
        kind = self.type_of(items, depth)
        if kind in {"integer", "number"}:
            return len(self.evidence.numbers)
        return max(1, len(self.evidence.quoted)) if kind == "string" and "enum" not in items else 1

    def number(self, schema: Schema, kind: str) -> int | float:
        written = self.evidence.number()
        number: int | float = self.usual(schema)
        if written is not None:
            number = int(float(written)) if "." not in written or kind == "integer" else float(written)
        least, most = _limit(schema, "minimum", 1), _limit(schema, "maximum", -1)
        number = number if most is None else min(number, most)
        number = number if least is None else max(number, least)
        return int(number) if kind == "integer" else number

    @staticmethod
    def usual(schema: Schema) -> int | float:
        """The default if it is a number, else 1."""
        default = schema.get("default")
        return default if isinstance(default, int | float) and not isinstance(default, bool) else 1

    def text(self, schema: Schema, name: str) -> str:
        if (known := _FORMATS.get(str(schema.get("format")))) is not None:
            return known
        found = self.evidence.labelled(name) or self.evidence.text() or schema.get("default")
        text = found if isinstance(found, str) else self.fallback(name)
        return text.ljust(min(schema.get("minLength", 0), _LONGEST), ".")[: schema.get("maxLength")]

    def fallback(self, name: str) -> str:
        """The end of the prompt for a field nobody named, as a model would paraphrase it."""
        words = re.findall(r"\w+", self.evidence.prompt)
        return " ".join(words[-4:]) or name or "text"


def _limit(schema: Schema, name: str, inwards: int) -> int | float | None:
    """The inclusive limit; an exclusive one moved inwards by one. A truth value (OpenAPI 3.0) is none."""
    inclusive = schema.get(name)
    exclusive = schema.get(f"exclusive{name.capitalize()}")
    if isinstance(inclusive, int | float):
        return inclusive
    return (
        exclusive + inwards
        if isinstance(exclusive, int | float) and not isinstance(exclusive, bool)
        else None
    )
