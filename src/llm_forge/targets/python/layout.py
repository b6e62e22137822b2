"""Line breaking as the formatter of the Python world does it, so that output needs no formatter.

A call or subscript that does not fit on its line puts its items on one line of their own, and if they
do not fit there either, each on its own line with a comma after it. A dict, set, list or tuple has no
middle step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

WIDTH = 110


@dataclass(frozen=True, slots=True)
class Group:
    """`prefix`, an opening bracket, items and a closing bracket, such as `body={...}`.

    `comma` false is for brackets whose one item takes no trailing comma.
    """

    opening: str
    items: tuple[Node, ...]
    closing: str
    comma: bool = True


@dataclass(frozen=True, slots=True)
class Choice:
    """Alternatives joined by `|`, in parentheses where they are broken over lines."""

    members: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Labelled:
    """Alternatives after a label, as in a parameter `name: a | b = default`."""

    label: str
    choice: Choice
    tail: str


Node: TypeAlias = str | Group | Choice | Labelled


def flat(node: Node) -> str:
    """A node on one line."""
    if isinstance(node, str):
        return node
    if isinstance(node, Choice):
        return " | ".join(flat(member) for member in node.members)
    if isinstance(node, Labelled):
        return f"{node.label}{flat(node.choice)}{node.tail}"
    return node.opening + ", ".join(flat(item) for item in node.items) + node.closing


def lines(prefix: str, node: Node, suffix: str = "", indent: str = "") -> list[str]:
    """The lines of a statement; `prefix` and `suffix` stand before and after on the same line."""
    whole = f"{indent}{prefix}{flat(node)}{suffix}"
    if len(whole) <= WIDTH or isinstance(node, str):
        return [whole]
    if isinstance(node, Labelled):
        return _item(node, suffix, indent)
    if isinstance(node, Choice):
        return _broken_choice(prefix, node.members, suffix, indent)
    return _broken_group(prefix, node, suffix, indent)


def _broken_group(prefix: str, group: Group, suffix: str, indent: str) -> list[str]:
    inner = indent + "    "
    together = inner + ", ".join(flat(item) for item in group.items)
    first, last = f"{indent}{prefix}{group.opening}", f"{indent}{group.closing.removeprefix(',')}{suffix}"
    if not group.items:
        return [first + last.lstrip()]
    if len(together) <= WIDTH and not _is_display(group):
        return [first, together, last]
    found = [first]
    for item in group.items:
        found.extend(_item(item, "," if group.comma else "", inner))
    return [*found, last]


def _is_display(group: Group) -> bool:
    """Whether this is a dict, set, list or tuple: once broken, each item has its own line."""
    before = group.opening[:-1]
    return not (before[-1:].isalnum() or before.endswith("_"))


def _item(item: Node, suffix: str, indent: str) -> list[str]:
    if isinstance(item, Choice) and len(indent + flat(item) + suffix) > WIDTH:
        return _alternatives(item.members, indent, suffix)
    if isinstance(item, Labelled) and len(indent + flat(item) + suffix) > WIDTH:
        members = (item.label + flat(item.choice.members[0]), *item.choice.members[1:])
        return _alternatives(members, indent, item.tail + suffix)
    return lines("", item, suffix, indent)


def _broken_choice(prefix: str, members: Sequence[Node], suffix: str, indent: str) -> list[str]:
    inner = indent + "    "
    together = inner + " | ".join(flat(member) for member in members)
    body = [together] if len(together) <= WIDTH else _alternatives(members, inner, "")
    return [f"{indent}{prefix}(", *body, f"{indent}){suffix}"]


def _alternatives(members: Sequence[Node], indent: str, suffix: str) -> list[str]:
    found: list[str] = []
    for number, member in enumerate(members):
        end = suffix if number == len(members) - 1 else ""
        found.extend(lines("| " if number else "", member, end, indent))
    return found
