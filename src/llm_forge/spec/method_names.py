"""Method paths such as `messages.create` for operations that do not give one."""

from __future__ import annotations

import itertools
import re

from .place import Place
from .schemas import annotation
from .words import LONGEST_NAME, shortened, snake

# What an operation is called whose name says no more than its HTTP method, or nothing beside its resource.
_VERBS = {"post": "create", "put": "update", "patch": "update"}
# What frameworks put into an operationId to tell where a route is defined.
_ROUTING = re.compile(r"(?:^|_)api_(?:v[0-9]+|routes)(?=_|\Z)")
_VERSION = re.compile(r"v[0-9]+([a-z]+[0-9]*)?\Z|api\Z|openai\Z")


def default_name(place: Place, method: str, path: str, key: str) -> str:
    """A method path from operationId, first tag and path; at least one dot, all lower case; resources are
    files too, so that their names are not too long.

    An operationId with dots is a method path already. Else the first tag is the resource (else the
    first fixed part of the path) and the operationId, without words that repeat it, the method.
    """
    *resources, name = _whole_name(place, method, path, key).split(".")
    kept = itertools.accumulate(map(shortened, resources), "{}.{}".format)
    fit = [one for one in kept if len(one) <= 2 * LONGEST_NAME]
    return f"{fit[-1]}.{name}"


def _whole_name(place: Place, method: str, path: str, key: str) -> str:
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
    http = method.lower()
    if not identifier:
        return _with_verb([http, *_fixed(path)[1:]], http)
    short = _ROUTING.sub("_", identifier.removesuffix(f"_{snake(path)}_{http}")).strip("_")
    said = {word.removesuffix("s") for word in re.split(r"[._]", resource)}
    said.update(part for part in path.split("/") if _VERSION.match(part))
    words = [word for word in short.split("_") if word and word.removesuffix("s") not in said]
    return _with_verb(words or [_usual(http, path)], http)


def _usual(http: str, path: str) -> str:
    """What is usual for a method: a GET of several things lists them."""
    is_list = http == "get" and path.endswith("s")
    return "list" if is_list else http


def _with_verb(words: list[str], http: str) -> str:
    """The words of a name, with a verb for an HTTP method at their end."""
    *first, last = words
    return "_".join([*first, _VERBS.get(last, last) if last == http else last])


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
