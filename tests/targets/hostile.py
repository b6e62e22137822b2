"""Descriptions with hostile texts in any place, and what must hold of all that is made from them (SC-03)."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from llm_forge import spec
from llm_forge.spec.source import plain, read_document
from llm_forge.targets import OptionError, Options, Target
from llm_forge.targets.writer import check_path
from tests.shared import ROOT

from .lexers import code

# Names that a target derives have no two underscores in a row: in code it stands only as it was written.
CANARY = "cAnary__"
CALL = f"{CANARY}()"
HOSTILE = (
    '"""', "\'\'\'", "\\", '\\"', "\n", "\r\n", "\x00", "\u202e", "\u2066", "\u200b", "\ufeff", "\ud800",
    "*/", "//", "#", f"${{{CALL}}}", f"{{{{{CALL}}}}}", f"{{{CALL}}}", "%s", f"`{CALL}`", f"'); {CALL}  #",
    f'"); {CALL}  #', f'"""\n{CALL}\n"""', f"\n{CALL}\n", f"]{CALL}[", "class", "None", "import os",
    "../../x", "/etc/passwd", "C:\\x", "a" * 300, f"\u2028{CALL}", f"\x85{CALL}", f"\x0c{CALL}", "日本",
    f"*/ {CALL} /*", f"// {CALL}\n{CALL}", f"$({CALL})", f'"#; {CALL} r#"', f"\\\n{CALL}", f"'{CALL}'",
    f"`+{CALL}+`", "fn", "func", "type", "await", "self", "constructor", "__proto__", "nil", "error",
)  # fmt: skip
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]"
)


def description(seed: int) -> Any:
    """A golden description with hostile text in one to six of its texts, keys included."""
    dice = random.Random(seed)
    case = dice.choice(sorted((ROOT / "golden").glob("*/description.yaml")))
    document = plain(read_document(case).root)
    for _ in range(dice.randint(1, 6)):
        holder, key = dice.choice(list(texts(document)))
        bad = dice.choice(HOSTILE) + dice.choice(["", CALL, dice.choice(HOSTILE)])
        if dice.random() < 0.3 and isinstance(holder, dict):
            holder[bad] = holder.pop(key)
        elif isinstance(holder[key], str):
            holder[key] = bad if dice.random() < 0.5 else holder[key] + bad
    return document


def texts(value: Any) -> Iterator[tuple[Any, Any]]:
    """Holder and key of every value inside a value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(pairs):
        yield value, key
        yield from texts(inner)


def loaded(seed: int, folder: Path) -> spec.Api | None:
    """The API of a hostile description; None if it is refused, as such descriptions may be."""
    path = folder / "description.json"
    path.write_text(json.dumps(description(seed)))
    try:
        return spec.load(path)
    except spec.DescriptionError as error:
        assert len(str(error).splitlines()) <= 3
        return None


def check_output(api: spec.Api, target: Target) -> Mapping[str, str | bytes]:
    """The files of an SDK.

    AssertionError if a text of a description stands where it is executed, or hides, or leads outside.
    """
    for path, source in target.faces(api).items():
        assert CANARY not in (code(path, source) or ""), f"{path} runs a text of the description"
    try:
        files = target.files(api, Options())
    except OptionError:
        files = target.faces(api)
    check_files(files)
    return files


def check_files(files: Mapping[str, str | bytes]) -> None:
    """AssertionError if a file lies outside, is no UTF-8 text, or hides characters."""
    for path, content in files.items():
        check_path(path)
        assert not HIDDEN.search(path), repr(path)
        source = content.decode() if isinstance(content, bytes) else content
        source.encode()
        found = HIDDEN.search(source)
        assert found is None, f"{path} holds {found.group()!r}"
