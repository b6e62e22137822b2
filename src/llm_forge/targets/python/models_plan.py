"""The classes, converters and aliases of the types of answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ...spec import ir
from ..reach import travelling
from ..support import page_item
from ..text import first_sentence
from .aliases import ordered_aliases
from .expressions import NONE, either
from .names import MODEL_SCOPE, PAGE_NAMES, Names
from .text import Prose, Quoted
from .types import Side
from .view import Attribute, Converter, ModelClass, Models, PageClass

_OBJECT = re.compile(r"\bobj\((\w+)\)")


def plan_pages(side: Side, operations: Iterable[ir.Operation]) -> dict[str, PageClass]:
    """The classes of pages by the type whose pages they are."""
    found: dict[str, PageClass] = {}
    for one in operations:
        item = page_item(side.api, one)
        if item is not None and isinstance(one.result.type, ir.Ref) and one.result.type.name not in found:
            answer = side.class_names[one.result.type.name]
            name = side.names.pascal(f"{answer}Page")
            side.names.pascal(f"Async{name}")
            made = side.expression(item, f"{answer}_Item")
            found[one.result.type.name] = PageClass(name, answer, made)
    return found


def plan_models(side: Side, pages: Mapping[str, PageClass]) -> Models:
    """What answers are made of; classes come after the classes they convert to, where that is possible."""
    side.paged = frozenset(pages)
    classes = {name: _class(side, name) for name in side.class_names if _is_object(side, name)}
    ordered = _ordered({one.name: one for one in classes.values()})
    listed = tuple(sorted(pages.values(), key=lambda one: one.name))
    return Models(_converters(side), tuple(ordered), ordered_aliases(side), listed)


def _is_object(side: Side, name: str) -> bool:
    return isinstance(side.api.types[name].type, ir.ObjectType)


def _class(side: Side, name: str) -> ModelClass:
    definition = side.api.types[name]
    found = definition.type
    assert isinstance(found, ir.ObjectType)  # noqa: S101 - the caller asked
    names = Names(MODEL_SCOPE | (PAGE_NAMES if name in side.paged else frozenset()))
    told = definition.description.strip() or f"The JSON object `{definition.name}`."
    attributes = tuple(
        _attribute(side, side.class_names[name], one, names) for one in travelling(found, writing=False)
    )
    return ModelClass(side.class_names[name], Prose(_whole(told)), attributes)


def _attribute(side: Side, owner: str, one: ir.Property, names: Names) -> Attribute:
    made = side.expression(one.type, f"{owner}_{one.name}")
    return Attribute(
        name=names.snake(one.name),
        wire=Quoted(one.name),
        type=made if one.required else either([made, NONE]),
        convert=side.converter(one.type),
        required=one.required,
        doc=Prose(first_sentence(one.description, 400)),
    )


def _whole(text: str) -> str:
    """The first paragraphs of a class's documentation; whole essays stay in the description."""
    return "\n\n".join(text.split("\n\n")[:3])


def _ordered(classes: dict[str, ModelClass]) -> list[ModelClass]:
    found: dict[str, ModelClass] = {}
    entered: set[str] = set()

    def visit(name: str) -> None:
        waiting: list[tuple[str, bool]] = [(name, False)]
        while waiting:
            one, left = waiting.pop()
            if left:
                found[one] = _settled(classes[one], found)
            elif one not in entered:
                entered.add(one)
                waiting.append((one, True))
                needed = [needs for needs in _needs(classes[one]) if needs in classes]
                waiting.extend((needs, False) for needs in reversed(needed))

    for name in sorted(classes):
        visit(name)
    return list(found.values())


def _needs(one: ModelClass) -> list[str]:
    return [name for attribute in one.attributes for name in _OBJECT.findall(attribute.convert or "")]


def _settled(model: ModelClass, defined: dict[str, ModelClass]) -> ModelClass:
    """The class with later classes behind a lambda."""

    def late(match: re.Match[str]) -> str:
        name = match[1]
        return match[0] if name in defined else f"obj(lambda data: {name}(data))"

    attributes = tuple(
        replace(one, convert=_OBJECT.sub(late, one.convert)) if one.convert else one
        for one in model.attributes
    )
    return replace(model, attributes=attributes)


def _converters(side: Side) -> tuple[Converter, ...]:
    wanted = [name for name in side.class_names if side.needs_function(name)]
    return tuple(_converter(side, name) for name in wanted)


def _converter(side: Side, name: str) -> Converter:
    found = side.api.types[name].type
    cases: tuple[tuple[tuple[Quoted, ...], str], ...]
    if isinstance(found, ir.TaggedUnion):
        cases = tuple(((Quoted(value),), _maker(side, to)) for value, to in found.members)
        return Converter(side.function(name), Quoted(found.tag), cases)
    assert isinstance(found, ir.Union)  # noqa: S101 - needs_function asks for one of the two
    objects = [one for one in found.members if side.is_object(one)]
    by_shape = sorted(objects, key=lambda one: -len(_required(side, one)))
    cases = tuple((_required(side, one), _maker(side, one)) for one in by_shape)
    others = [side.converter(one) for one in found.members if one not in objects]
    distinct = tuple(dict.fromkeys(one for one in others if one is not None))
    return Converter(side.function(name), None, cases, distinct)


def _maker(side: Side, found: ir.Type) -> str:
    source = side.converter(found) or "Unknown"
    whole = _OBJECT.fullmatch(source)
    return whole[1] if whole else source


def _required(side: Side, found: ir.Type) -> tuple[Quoted, ...]:
    flat = side.api.resolve(found)
    properties = flat.properties if isinstance(flat, ir.ObjectType) else ()
    return tuple(Quoted(one.name) for one in properties if one.required)
