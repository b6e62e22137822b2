"""How an operation's pages follow each other, as x-forge says it under `pagination` (R-203)."""

from __future__ import annotations

from . import forge
from .ir import Body, ObjectType, PageStyle, Pagination, Parameter
from .place import Place
from .schemas import Schemas

_NEEDED: dict[str, tuple[str, ...]] = {
    "after-id": ("items", "param"),
    "before-id": ("items", "param"),
    "cursor": ("items", "param", "next"),
    "page": ("items", "param"),
    "link": ("items", "next"),
}


def read_pagination(
    told: Place, parameters: tuple[Parameter, ...], body: Body | None, schemas: Schemas
) -> Pagination | None:
    """The checked rule, None where the description has none."""
    if told.value is None:
        return None
    other = told.child("otherwise")
    forge.check_keys(told, forge.PAGE_KEYS)
    style = _style(told)
    param = told.text("param")
    return Pagination(
        style=style,
        items=told.text("items"),
        param=param,
        id=told.text("id") or "id",
        before=told.text("before"),
        next=told.text("next"),
        more=told.text("more"),
        start=_start(told.child("start")),
        size_param=told.text("size_param"),
        total=told.text("total"),
        in_body=_is_in_body(told, param, parameters, body, schemas) if param else False,
        otherwise=read_pagination(other, parameters, body, schemas),
    )


def _style(told: Place) -> PageStyle:
    style = forge.choice(told, "style")
    if style is None:
        raise told.error(f"pagination needs a style: {', '.join(forge.CHOICES['style'])}")
    missing = [key for key in _NEEDED[style] if not told.text(key)]
    if missing:
        raise told.error(f"pagination of style {style} needs {' and '.join(missing)}")
    return style  # type: ignore[return-value]  # one of the choices


def _start(place: Place) -> int:
    if place.value is None:
        return 1
    if not isinstance(place.value, int) or isinstance(place.value, bool) or place.value < 0:
        raise place.wrong("the number of the first page")
    return place.value


def _is_in_body(
    told: Place, param: str, parameters: tuple[Parameter, ...], body: Body | None, schemas: Schemas
) -> bool:
    """Whether the parameter is a field of the body; it must be known in one place or the other."""
    if any(one.name == param and one.location == "query" for one in parameters):
        return False
    flat = schemas.flat(body.type) if body is not None else None
    if isinstance(flat, ObjectType) and any(one.name == param for one in flat.properties):
        return True
    raise told.child("param").error(f"{param!r} is neither a query parameter nor a field of the body")
