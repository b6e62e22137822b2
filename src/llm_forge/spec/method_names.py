"""Method paths such as `messages.create` for operations that do not give one."""

from __future__ import annotations

import re

from .place import Place
from .schemas import annotation
from .words import snake

_VERSION = re.compile(r"v[0-9]+([a-z]+[0-9]*)?\Z|api\Z|openai\Z")


def default_name(place: Place, method: str, path: str, key: str) -> str:
    """A method path from operationId, first tag and path; at least one dot, all lower case.

    An operationId with dots is a method path already. Else the first tag is the resource (else the
    first fixed part of the path) and the operationId, without words that repeat it, the method.
    """
    identifier = annotation(place, "operationId")
    dotted = [snake(part) for part in identifier.split(".")]
    if len(dotted) > 1 and all(dotted):
        return ".".join(_begin(part) for part in dotted)
    resource = _resource(place, path)
    name = _method(snake(identifier), resource, method, path)
    if not identifier and "#" in key:
        name += f"_{snake(key.partition('#')[2])}"
    return f"{resource}.{_begin(name)}"


def _method(identifier: str, resource: str, method: str, path: str) -> str:
    """The operationId without what resource and path say already: `list_models_v1_models_get` is `list`."""
    if not identifier:
        return "_".join([method.lower(), *_fixed(path)[1:]])
    short = identifier.removesuffix(f"_{snake(path)}_{method.lower()}")
    said = {word.removesuffix("s") for word in re.split(r"[._]", resource)}
    words = [word for word in short.split("_") if word.removesuffix("s") not in said]
    return "_".join(words) or short


def _begin(name: str) -> str:
    """A name that begins with a letter."""
    return name if name[:1].isalpha() else f"n{name}"


def _resource(place: Place, path: str) -> str:
    tags = place.child("tags").value
    tag = str(tags[0]) if isinstance(tags, list) and tags else ""
    parts = [snake(part) for part in tag.split(".") if snake(part)]
    return ".".join(_begin(part) for part in parts or _fixed(path)[:1] or ["api"])


def _fixed(path: str) -> list[str]:
    parts = [snake(part) for part in path.split("/") if "{" not in part]
    return [part for part in parts if part and not _VERSION.match(part)]
