"""Line breaking as Prettier does it for what we print, so that output needs no formatter.

An object, array or call that does not fit on its line puts each item on a line of its own, with a comma after
it; a call whose last argument is an object or array breaks only that. A union that does not fit puts each
member on a line after a bar.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from .text import Key, literal

WIDTH = 110


@dataclass(frozen=True, slots=True)
class Group:
    """An opening bracket with what stands before it, items, and a closing bracket."""

    opening: str
    items: tuple[Node, ...]
    closing: str

    @property
    def is_data(self) -> bool:
        """Whether it is an object or array, which a call may end with."""
        return self.opening[-1] in "{["


@dataclass(frozen=True, slots=True)
class Labelled:
    """`label: value`, a property of an object."""

    label: str
    value: str | Group


Node: TypeAlias = str | Group | Labelled
_SHORT_LABEL = 4  # below one of these, Prettier sees nothing to gain from a line of its own for the value


def flat(node: Node) -> str:
    """A node on one line."""
    if isinstance(node, str):
        return node
    if isinstance(node, Labelled):
        return f"{node.label}: {flat(node.value)}"
    inner = ", ".join(flat(item) for item in node.items)
    gap = " " if node.opening.endswith("{") and node.items else ""
    return f"{node.opening}{gap}{inner}{gap}{node.closing}"


def lines(prefix: str, node: Node, suffix: str = "", indent: str = "") -> list[str]:
    """The lines of a node; `prefix` and `suffix` stand before and after it on the same line."""
    whole = f"{indent}{prefix}{flat(node)}{suffix}"
    if len(whole) <= WIDTH or isinstance(node, str):
        return [whole]
    if isinstance(node, Labelled):
        return _labelled(node, prefix, suffix, indent)
    if not node.items:
        return [whole]
    hugged = _hugged(prefix, node, suffix, indent)
    return hugged or broken(prefix, node, suffix, indent)


def _labelled(node: Labelled, prefix: str, suffix: str, indent: str) -> list[str]:
    """The value beside its label, or below it where not even its beginning fits."""
    value, label = node.value, f"{prefix}{node.label}:"
    begins = value if isinstance(value, str) else value.opening
    if len(node.label) <= _SHORT_LABEL or len(f"{indent}{label} {begins}") <= WIDTH:
        return lines(f"{label} ", value, suffix, indent)
    return [f"{indent}{label}", *lines("", value, suffix, indent + "  ")]


def broken(prefix: str, node: Group, suffix: str = "", indent: str = "") -> list[str]:
    """The lines of a group with each item on its own."""
    found = [f"{indent}{prefix}{node.opening}"]
    for item in node.items:
        # Nothing may follow the rest of a pattern.
        found += lines("", item, "" if item == "...body" else ",", indent + "  ")
    return [*found, f"{indent}{node.closing}{suffix}"]


def _hugged(prefix: str, node: Group, suffix: str, indent: str) -> list[str]:
    """A call whose last argument alone is broken; nothing where that does not help."""
    last = node.items[-1]
    if node.is_data or not isinstance(last, Group) or not last.is_data or not last.items:
        return []
    before = "".join(f"{flat(item)}, " for item in node.items[:-1])
    found = broken(f"{prefix}{node.opening}{before}", last, f"{node.closing}{suffix}", indent)
    return found if len(found[0]) <= WIDTH else []


def obj(fields: Mapping[str, Node | None]) -> Group:
    """An object literal without fields that are None."""
    items = (labelled(Key(name), value) for name, value in fields.items() if value is not None)
    return Group("{", tuple(items), "}")


def array(items: Iterable[Node]) -> Group:
    """An array literal."""
    return Group("[", tuple(items), "]")


def labelled(label: str, value: Node) -> Node:
    """`label: value`."""
    assert not isinstance(value, Labelled)  # noqa: S101 - a property is no value
    return Labelled(label, value)


def data(value: Any) -> Node:
    """A JSON value as a literal."""
    if isinstance(value, Mapping):
        return obj({str(name): data(one) for name, one in value.items()})
    if isinstance(value, (list, tuple)):
        return array(data(one) for one in value)
    return literal(value)


def union(prefix: str, members: Sequence[str], suffix: str, indent: str = "") -> list[str]:
    """The lines of a declaration whose type is a union: on its line, on the next, or a member a line."""
    together = " | ".join(members)
    if len(f"{indent}{prefix} {together}{suffix}") <= WIDTH:
        return [f"{indent}{prefix} {together}{suffix}"]
    if members[0].startswith("{ ") and list(members[1:]) in ([], ["null"]):
        return _broken_object(prefix, members, suffix, indent)
    if len(members) == 1:
        return _single(prefix, together, suffix, indent)
    if len(f"{indent}  {together}{suffix}") <= WIDTH:
        return [f"{indent}{prefix}", f"{indent}  {together}{suffix}"]
    inner = [f"{indent}  | {member}" for member in members]
    return [f"{indent}{prefix}", *inner[:-1], f"{inner[-1]}{suffix}"]


def _broken_object(prefix: str, members: Sequence[str], suffix: str, indent: str) -> list[str]:
    end = "".join(f" | {one}" for one in members[1:])
    return [f"{indent}{prefix} {{", f"{indent}  {members[0][2:-2]};", f"{indent}}}{end}{suffix}"]


def _single(prefix: str, member: str, suffix: str, indent: str) -> list[str]:
    """A type stays beside the name of a property, and goes below that of an alias."""
    if prefix.endswith("="):
        return [f"{indent}{prefix}", f"{indent}  {member}{suffix}"]
    return [f"{indent}{prefix} {member}{suffix}"]
