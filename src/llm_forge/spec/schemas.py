"""JSON Schema, as OpenAPI 3.0, 3.1 and 3.2 use it, to types.

Rules of this file:
- A reference becomes a `Ref`; its target is read later, from a list of work, so recursion is legal.
- Inline objects, and unions of several objects, get a name made from where they stand.
- `allOf` is merged into one object. What has one meaning is repaired and noted; only a value of the
  wrong kind is an error.
- Unions come out as they stand; `unions.py` finds their tags once every type is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from .combine import (
    NULL,
    enumeration,
    literal,
    merge_objects,
    most_exact,
    optional,
    union,
)
from .ir import (
    AnyType,
    Kind,
    ListType,
    MapType,
    Nullable,
    ObjectType,
    Primitive,
    Property,
    Ref,
    Type,
    TypeDef,
    Union,
)
from .limits import read_limits
from .place import Place
from .references import DanglingReferenceError, References, is_reference
from .source import Mapping, Sequence, plain
from .words import pascal

MAX_CHOICES = 500
_KINDS: dict[str, Kind] = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}
_OBJECT_WORDS = ("properties", "additionalProperties", "patternProperties", "propertyNames")
_ARRAY_WORDS = ("items", "prefixItems")
# Keywords that say something of a value; a member of anyOf without any of them only restates conditions.
_MEANING = (
    "$ref", "type", "properties", "items", "enum", "const", "oneOf", "anyOf", "allOf",
    "additionalProperties", "$recursiveRef", "$dynamicRef", "prefixItems", "format",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Discriminator:
    """What a description says of a union: the tag's name, and (tag value, type) where it maps them."""

    tag: str
    mapping: tuple[tuple[str, Type], ...]
    place: Place


@dataclass(slots=True)
class Schemas:
    """Reads schemas into `types`; `finish` reads what references still wait for."""

    references: References
    types: dict[str, TypeDef] = field(default_factory=dict)
    discriminators: dict[str, Discriminator] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    _names: dict[tuple[str, str], str] = field(default_factory=dict)
    _waiting: list[str] = field(default_factory=list)
    _reading: set[str] = field(default_factory=set)
    _taken: set[str] = field(default_factory=set)

    def reserve(self, components: Place) -> None:
        """Keep the names of component schemas for themselves."""
        self._taken.update(name for name, _ in components.entries())

    def finish(self) -> None:
        """Read every type that a reference named."""
        while self._waiting:
            self._define(self._waiting.pop())

    def read(self, place: Place, hint: str) -> Type:
        """The type of the schema at `place`; `hint` begins the names of inline types."""
        value = place.value
        if value is True or value == {}:
            return AnyType()
        if value is None or value is False:
            place.repair(
                f"{'nothing' if value is None else 'false'} where a schema belongs; any value is taken"
            )
            return AnyType()
        if not isinstance(value, Mapping):
            place.repair(f"expected a schema (a mapping) here, found {place.kind()}; any value is taken")
            return AnyType()
        found = self._read(place, hint)
        nullable = value.get("nullable") is True and not isinstance(found, Nullable)
        return optional(found) if nullable else found

    def _read(self, place: Place, hint: str) -> Type:
        value = place.value
        if is_reference(value):
            return self.ref(place)
        if "$recursiveRef" in value or "$dynamicRef" in value:
            return self._recursive(place)
        if value.get("allOf"):
            return self._all_of(place, hint)
        for word in ("oneOf", "anyOf"):
            if value.get(word):
                return self._choice(place, word, hint)
        if "const" in value:
            return literal(value["const"])
        if isinstance(value.get("enum"), Sequence) and value["enum"]:
            return enumeration(value["enum"])
        return self._by_type(place, hint)

    def ref(self, place: Place) -> Type:
        """The named type that a `$ref` leads to; any value if it leads to nothing."""
        try:
            target = self.references.step(place)
        except DanglingReferenceError as error:
            return self.references.missing(place, error, AnyType())
        key = (target.document.key, target.pointer)
        if key not in self._names:
            self.references.follow(place)
            name = self._name_of(target)
            self._names[key] = name
            self.places[name] = target
            self._waiting.append(name)
        return Ref(self._names[key])

    def _name_of(self, target: Place) -> str:
        around, _, last = target.pointer.rpartition("/")
        last = last.replace("~1", "/").replace("~0", "~")
        in_main = target.document is self.references.main
        if around == "/components/schemas" and in_main:
            self._taken.add(last)
            return last
        named = last if around.endswith(("schemas", "$defs", "definitions")) else pascal(target.pointer)
        stem = target.document.path.stem if not target.pointer else named
        return self._free(stem or "Schema")

    def _free(self, name: str) -> str:
        found, number = name, 2
        while found in self._taken:
            found, number = f"{name}{number}", number + 1
        self._taken.add(found)
        return found

    def _define(self, name: str) -> None:
        if name in self.types or name in self._reading:
            return
        self._reading.add(name)
        place = self.places[name]
        found = self._inline(self.read(place, name), name)
        self.types[name] = TypeDef(name, found, _description(place), place.flag("deprecated"))
        self._reading.discard(name)

    def _inline(self, found: Type, name: str) -> Type:
        """The type itself where reading `name` has derived a name for its own top."""
        if isinstance(found, Ref) and found.name in self.types and self.types[found.name].derived:
            derived = self.types[found.name]
            del self.types[found.name]
            self._taken.discard(found.name)
            if found.name in self.discriminators:
                self.discriminators[name] = self.discriminators.pop(found.name)
            return derived.type
        return found

    def name(self, found: Type, hint: str, place: Place) -> Ref:
        """A derived name for an inline type."""
        name = self._free(hint or "Value")
        self.places[name] = place
        self.types[name] = TypeDef(name, found, _description(place), place.flag("deprecated"), derived=True)
        return Ref(name)

    def _recursive(self, place: Place) -> Type:
        around: Place | None = place
        while around is not None:
            key = (around.document.key, around.pointer)
            if key in self._names and around is not place:
                return Ref(self._names[key])
            around = around.up
        place.repair("a recursive reference outside any named schema; any value is taken")
        return AnyType()

    def _by_type(self, place: Place, hint: str) -> Type:
        kind = place.value.get("type")
        if isinstance(kind, Sequence):
            return self._several(place, [str(one) for one in kind], hint)
        if kind is not None and not isinstance(kind, str):
            told = place.child("type")
            told.repair(f"expected the name of a type here, found {told.kind()}; ignored")
            kind = None
        return self._one(place, implied_type(place.value) if kind is None else kind, hint)

    def _several(self, place: Place, kinds: list[str], hint: str) -> Type:
        present = [self._one(place, kind, hint) for kind in kinds if kind != "null"]
        found = union(present)
        return optional(found) if "null" in kinds and present else found

    def _one(self, place: Place, kind: str, hint: str) -> Type:
        if kind == "object":
            return self._object(place, hint)
        if kind == "array":
            return self._array(place, hint)
        if kind in _KINDS:
            return Primitive(_KINDS[kind], _format(place.value), read_limits(place))
        if kind not in ("any", ""):
            if kind == "file":
                return Primitive("string", "binary")
            place.repair(f"unknown type {kind!r}; any value is taken")
        return AnyType()

    def _array(self, place: Place, hint: str) -> Type:
        if place.has("items") and not isinstance(place.value["items"], bool):
            item = self.read(place.child("items"), f"{hint}Item")
        elif place.has("prefixItems"):
            item = union([self.read(one, f"{hint}Item") for one in place.child("prefixItems").items()])
        else:
            item = AnyType()
        return ListType(item, read_limits(place))

    def _object(self, place: Place, hint: str) -> Type:
        properties = tuple(self._properties(place, hint))
        extra = self._extra(place, hint)
        limits = read_limits(place)
        if not properties:
            return MapType(extra or AnyType(), limits)
        return self.name(ObjectType(properties, extra, limits), hint, place)

    def _extra(self, place: Place, hint: str) -> Type | None:
        if isinstance(place.value.get("additionalProperties"), Mapping):
            return self.read(place.child("additionalProperties"), f"{hint}Value")
        patterns = [one for _, one in place.child("patternProperties").entries()]
        return union([self.read(one, f"{hint}Value") for one in patterns]) if patterns else None

    def _properties(self, place: Place, hint: str) -> Iterable[Property]:
        required = required_names(place)
        for name, schema in place.child("properties").entries():
            found = self.read(schema, hint + (pascal(name) or "Field"))
            told = _annotations(schema)
            yield Property(name, found, name in required, **told, example=self.example(schema))

    def example(self, schema: Place) -> Any:
        """The first example of a schema, or of what it refers to; None without one."""
        found = first_example(schema)
        return found if found is not None else first_example(self.references.follow(schema))

    # allOf

    def _all_of(self, place: Place, hint: str) -> Type:
        parts = [self.read(part, hint) for part in place.child("allOf").items()]
        rest = self._without(place, "allOf")
        if rest is not None:
            parts.append(self.read(rest, hint))
        required = required_names(place)
        merged = self._merge(parts, hint, place)
        return self._require(merged, required, hint, place) if required else merged

    def _without(self, place: Place, word: str) -> Place | None:
        """The schema beside a combining word, None if only annotations stand there."""
        if not any(name in place.value for name in _MEANING if name != word):
            return None
        rest = Mapping(place.value.line)
        rest.update({k: v for k, v in place.value.items() if k not in (word, "nullable", "discriminator")})
        rest.lines, rest.files = place.value.lines, place.value.files
        return replace(place, value=rest) if implied_type(rest) or rest.keys() & set(_MEANING) else None

    def _merge(self, parts: list[Type], hint: str, place: Place) -> Type:
        wanted: list[Type] = [part for part in parts if not isinstance(part, AnyType)]
        if len(wanted) <= 1:
            return wanted[0] if wanted else AnyType()
        flat = [self.flat(part) for part in wanted]
        if math.prod(len(part.members) for part in flat if isinstance(part, Union)) > MAX_CHOICES:
            place.repair(
                f"the parts of allOf allow more than {MAX_CHOICES} choices; fields of choices are not named"
            )
            wanted = [part for part, found in zip(wanted, flat, strict=True) if not isinstance(found, Union)]
            return self._merge(wanted, hint, place)
        for index, part in enumerate(flat):
            if isinstance(part, Union):
                return self._distribute(wanted, index, part, hint, place)
        objects = [part for part in flat if isinstance(part, ObjectType)]
        if not objects:
            return most_exact(wanted, flat)
        for part in wanted:
            self._forget(part, hint)
        return self.name(merge_objects(objects), hint, place)

    def _distribute(self, parts: list[Type], index: int, part: Union, hint: str, place: Place) -> Type:
        """allOf over a union: each member merged with all other parts."""
        rest = parts[:index] + parts[index + 1 :]
        members = []
        for number, member in enumerate(part.members, 1):
            own = member.name if isinstance(member, Ref) else str(number)
            members.append(self._merge([*rest, member], f"{hint}{pascal(own)}", place))
        return self.name(union(members), hint, place)

    def _forget(self, part: Type, hint: str) -> None:
        """Drop the derived name of an inline part that now lives in the merged object."""
        derived = isinstance(part, Ref) and part.name in self.types and self.types[part.name].derived
        if isinstance(part, Ref) and derived and part.name.startswith(hint):
            del self.types[part.name]
            self._taken.discard(part.name)

    def _require(self, found: Type, required: frozenset[str], hint: str, place: Place) -> Type:
        """An object with more of its fields required."""
        flat = self.flat(found)
        if not isinstance(flat, ObjectType) or required <= {p.name for p in flat.properties if p.required}:
            return found
        properties = tuple(replace(p, required=p.required or p.name in required) for p in flat.properties)
        self._forget(found, hint)
        return self.name(replace(flat, properties=properties), hint, place)

    def flat(self, found: Type) -> Type:
        """The type behind a reference, read now if it is not yet; any value for an endless loop."""
        for _ in range(100):
            if not isinstance(found, Ref):
                return found.inner if isinstance(found, Nullable) else found
            if found.name not in self.types:
                if found.name in self._reading:
                    self.places[found.name].repair("allOf includes itself; that part is left out")
                    return AnyType()
                self._define(found.name)
            found = self.types[found.name].type
        return AnyType()

    # oneOf, anyOf

    def _choice(self, place: Place, word: str, hint: str) -> Type:
        rest = self._without(place, word)
        members = self._members(place.child(word), hint)
        if rest is not None and (rest.has("properties") or not members):
            own = self.read(rest, hint)
            choice: list[Type] = [m for m in members if not isinstance(m, (AnyType, MapType))]
            return self._merge([own, self._named_choice(choice, place, hint)], hint, place) if choice else own
        return self._named_choice(members, place, hint)

    def _named_choice(self, members: list[Type], place: Place, hint: str) -> Type:
        present = [member for member in members if member != NULL]
        found = union(present)
        if isinstance(found, Union) and sum(isinstance(m, Ref) for m in found.members) > 1:
            found = self.name(found, hint, place)
            self._discriminate(found, place)
        return optional(found) if len(present) < len(members) else found

    def _members(self, choice: Place, hint: str) -> list[Type]:
        found: list[Type] = []
        for number, member in enumerate(choice.items(), 1):
            if member.value is None:
                member.repair("nothing among the choices; taken as null")
                found.append(NULL)
            elif isinstance(member.value, Mapping) and not any(word in member.value for word in _MEANING):
                if not member.value.keys() & {"required", "not"}:
                    found.append(AnyType())
            else:
                is_list = member.child("type").value == "array"
                word = "" if is_list else _member_word(member) or f"Option{number}"
                found.append(self.read(member, hint + word))
        return found

    def _discriminate(self, found: Ref, place: Place) -> None:
        told = place.child("discriminator")
        if not isinstance(told.value, Mapping) or not told.text("propertyName"):
            return
        mapping = [(value, self._mapped(target)) for value, target in told.child("mapping").entries()]
        known = tuple((value, target) for value, target in mapping if isinstance(target, Ref))
        self.discriminators[found.name] = Discriminator(told.text("propertyName"), known, told)

    def _mapped(self, target: Place) -> Type:
        """The type of a mapping's value: a reference, or a component's bare name."""
        reference = str(target.value)
        if "/" not in reference and "#" not in reference and not reference.endswith((".yaml", ".json")):
            reference = f"#/components/schemas/{reference}"
        written = Mapping(target.line)
        written["$ref"] = reference
        return self.ref(replace(target, value=written))


def implied_type(value: Mapping) -> str:
    """The type that a schema without `type` means, "" for any."""
    if any(word in value for word in _OBJECT_WORDS):
        return "object"
    if any(word in value for word in _ARRAY_WORDS):
        return "array"
    return "string" if value.get("format") == "binary" else ""


def required_names(place: Place) -> frozenset[str]:
    """Names under `required`; a boolean there (an old habit) says nothing about fields."""
    told = place.child("required")
    if not isinstance(told.value, Sequence):
        if told.value is not None and not isinstance(told.value, bool):
            told.repair("`required` is not a list of names; ignored")
        return frozenset()
    if len(set(map(str, told.value))) < len(told.value):
        told.repair("`required` names a field twice")
    return frozenset(str(name) for name in told.value if name is not None)


def _description(place: Place) -> str:
    return annotation(place, "description") or annotation(place, "title")


def annotation(place: Place, key: str) -> str:
    """Text under a key that is only documentation; any other kind counts as absent."""
    value = place.value.get(key) if isinstance(place.value, Mapping) else None
    return value if isinstance(value, str) else ""


def first_example(place: Place) -> Any:
    """The first example beside a value: `example`, or `examples` as a list or by name; None without one."""
    if place.has("example"):
        return plain(place.value["example"])
    several = place.child("examples").value
    if isinstance(several, Mapping):
        return plain(next((one.get("value") for one in several.values() if isinstance(one, Mapping)), None))
    return plain(several[0]) if isinstance(several, Sequence) and several else None


def _format(value: Mapping) -> str | None:
    """The format; bytes are `binary`, which OpenAPI 3.1 spells as a media type without an encoding."""
    written, media_type = value.get("format"), value.get("contentMediaType")
    if written is None and isinstance(media_type, str) and "contentEncoding" not in value:
        return None if media_type.startswith(("text/", "application/json")) else "binary"
    return written if isinstance(written, str) else None


def _annotations(schema: Place) -> dict[str, Any]:
    if not isinstance(schema.value, Mapping):
        return {}
    told: dict[str, Any] = {
        "description": annotation(schema, "description"),
        "read_only": schema.flag("readOnly"),
        "write_only": schema.flag("writeOnly"),
        "deprecated": schema.flag("deprecated"),
    }
    if schema.has("default"):
        told |= {"default": plain(schema.value["default"]), "has_default": True}
    return told


def _member_word(member: Place) -> str:
    """A word for an inline member of a union: the text of its only constant field, or its title."""
    for name in ("type", "role", "object", "kind"):
        tag = member.child("properties").child(name) if isinstance(member.value, Mapping) else None
        if tag is not None and isinstance(tag.value, Mapping):
            known = tag.value.get("const") or (tag.value.get("enum") or [None])[0]
            if isinstance(known, str):
                return pascal(known)
    return pascal(annotation(member, "title"))
