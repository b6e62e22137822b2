"""The typed dictionaries and aliases of params.py."""

from __future__ import annotations

import keyword
import re

from ...spec import ir
from ..reach import travelling
from ..text import first_sentence
from .aliases import ordered_aliases
from .expressions import names_in
from .text import Prose, Quoted
from .types import Side
from .view import Key, ParamClass, Params

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
# Keys that would hide a name which annotations beside them use.
_HIDING = frozenset({"str", "int", "float", "bool"})


def plan_params(side: Side) -> Params:
    """Everything in params.py."""
    objects = [n for n in side.class_names if isinstance(side.api.types[n].type, ir.ObjectType)]
    classes = tuple(_class(side, name) for name in objects)
    return Params(classes, ordered_aliases(side))


def _class(side: Side, name: str) -> ParamClass:
    definition = side.api.types[name]
    found = definition.type
    assert isinstance(found, ir.ObjectType)  # noqa: S101 - the caller asked
    told = definition.description.strip() or f"The JSON object `{definition.name}`."
    keys = tuple(_key(side, side.class_names[name], one) for one in travelling(found, writing=True))
    return ParamClass(side.class_names[name], Prose("\n\n".join(told.split("\n\n")[:3])), keys)


def _key(side: Side, owner: str, one: ir.Property) -> Key:
    made = side.expression(one.type, f"{owner}_{one.name}")
    spelled = bool(_NAME.match(one.name)) and not keyword.iskeyword(one.name) and one.name not in _HIDING
    if one.name == "models":
        spelled = not any(name.module == "models" for name in names_in(made))
    return Key(
        wire=one.name if spelled else "",
        quoted=Quoted(one.name),
        type=made,
        required=one.required,
        identifier=spelled,
        doc=Prose(first_sentence(one.description, 400)),
    )
