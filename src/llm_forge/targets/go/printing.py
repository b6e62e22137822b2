"""How Go source is put together: files with their head, and composite literals as gofmt has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from .text import Quoted, aligned
from .view import View

Value: TypeAlias = "str | Literal"
_LONGEST_ALIGNED = 40  # characters of a key; beyond it gofmt aligns by rules that are not worth following


class Literal:
    """A composite literal: a type, and pairs that are printed one a line."""

    def __init__(self, type_: str, pairs: Sequence[tuple[str, Value]]) -> None:
        self.type = type_
        self.pairs = pairs

    def lines(self, indent: str) -> list[str]:
        """The literal; the first line has no indentation."""
        if not self.pairs:
            return [f"{self.type}{{}}"]
        found, run = [f"{self.type}{{"], list[tuple[str, str]]()
        for key, value in self.pairs:
            if isinstance(value, str):
                run.append((f"{key}:", f"{value},"))
                continue
            found += _run(run, indent)
            run = []
            first, *rest = value.lines(f"{indent}\t")
            found += [f"{indent}\t{key}: {first}", *rest]
            found[-1] += ","
        return [*found, *_run(run, indent), f"{indent}}}"]


def _run(pairs: list[tuple[str, str]], indent: str) -> list[str]:
    if any(len(key) > _LONGEST_ALIGNED for key, _ in pairs):
        joined = " ".join(f"{key} {value}" for key, value in pairs)
        return [f"{indent}\t{joined}"]
    return aligned([*pairs], f"{indent}\t") if pairs else []


def present(pairs: Iterable[tuple[str, Value | None]]) -> list[tuple[str, Value]]:
    """The pairs that have a value."""
    return [(key, value) for key, value in pairs if value]


def texts(values: Iterable[str], type_: str = "[]string") -> str:
    """A list of texts on one line, "" for none."""
    made = ", ".join(Quoted(one) for one in values)
    return f"{type_}{{{made}}}" if made else ""


def numbers(values: Iterable[int]) -> str:
    """A list of whole numbers on one line, "" for none."""
    made = ", ".join(str(one) for one in values)
    return f"[]int{{{made}}}" if made else ""


def text_map(values: Mapping[str, str]) -> Literal | None:
    """A map of texts to texts."""
    pairs: list[tuple[str, Value]] = [(Quoted(key), Quoted(value)) for key, value in values.items()]
    return Literal("map[string]string", pairs) if pairs else None


Import: TypeAlias = "str | tuple[str, str]"


def file(
    view: View, body: Sequence[str], imports: Iterable[Import] = (), package: str = "", doc: str = ""
) -> str:
    """A source file; of the imports those that its body names. An import may be (name, path)."""
    text = "\n".join(body)
    needed = [one for one in imports if f"{_name_of(one)}." in text]
    head = [f"// {view.header}", "", *([doc] if doc else []), f"package {package or view.package}"]
    if len(needed) == 1:
        head += ["", f"import {_spec(needed[0])}"]
    elif needed:
        own = [one for one in needed if "." in _path_of(one).partition("/")[0]]
        standard = [one for one in needed if one not in own]
        between = [""] if standard and own else []
        listed = [*standard, *sorted(own, key=_path_of)]
        lines = [f"\t{_spec(one)}" for one in listed]
        head += ["", "import (", *lines[: len(standard)], *between, *lines[len(standard) :], ")"]
    return "\n".join([*head, "", text]).rstrip("\n") + "\n"


def _path_of(one: Import) -> str:
    return one if isinstance(one, str) else one[1]


def _name_of(one: Import) -> str:
    return one.rpartition("/")[2] if isinstance(one, str) else one[0]


def _spec(one: Import) -> str:
    path = _path_of(one)
    return Quoted(path) if path.rpartition("/")[2] == _name_of(one) else f"{_name_of(one)} {Quoted(path)}"
