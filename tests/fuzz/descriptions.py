"""Hostile descriptions (SC-03, SC-05): read or refused in time; what comes of them is harmless source.

Each is a description of golden/ with hostile texts in several places, sometimes with a part replaced by a
value of another kind, so that what is repaired meets what is hostile.
"""

from __future__ import annotations

import copy
import json
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

from llm_forge import spec
from llm_forge.spec.overview import overview
from llm_forge.spec.starting_forge import starting_forge_file
from llm_forge.targets import TARGETS
from tests.targets.hostile import HOSTILE, check_output, description, texts
from tests.targets.parsers import Sources

SECONDS = 20.0  # of CPU for one small description in all languages; usual are hundredths
WRONG: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, "", [], {}, [None], {"a": None}, {"$ref": "#/paths"}, {"$ref": "#"},
    {"allOf": []}, {"oneOf": [{}]}, {"type": ["null"]}, {"enum": [None]}, {"$ref": "../../etc/passwd"},
    {"$ref": "http://x/y"},
)  # fmt: skip


def check(seed: int, number: int) -> int:
    """Make so many hostile descriptions and hold what comes of each against the rules."""
    dice = Random(seed)
    with tempfile.TemporaryDirectory() as name:
        sources = Sources(Path(name) / "sources")
        for _ in range(number):
            one = dice.randrange(2**32)
            try:
                _check(one, Path(name), sources)
            except Exception as error:
                raise AssertionError(f"hostile description {one}") from error
        sources.check()
    return number


def _check(seed: int, folder: Path, sources: Sources) -> None:
    path = folder / "description.json"
    path.write_text(json.dumps(damaged(seed)))
    started = time.process_time()
    try:
        api = spec.load(path)
    except spec.DescriptionError as error:
        assert len(str(error).splitlines()) <= 3
    else:
        json.dumps(overview(api))
        _check_forge(starting_forge_file(api))
        for language in TARGETS:
            sources.add(f"{seed}-{language}", check_output(api, TARGETS[language]))
    assert time.process_time() - started < SECONDS


def _check_forge(text: str) -> None:
    """A starting forge file holds keys and comments only, on lines of their own."""
    for line in text.splitlines():
        stripped = line.strip()
        assert stripped.startswith("# ") or stripped.endswith(":"), line


def damaged(seed: int) -> Any:
    """A hostile description, in two of five with parts of another kind than they should be."""
    found = description(seed)
    dice = Random(seed)
    if dice.random() < 0.4:
        for _ in range(dice.randint(1, 3)):
            holder, key = dice.choice(list(texts(found)))
            holder[key] = copy.deepcopy(dice.choice((*WRONG, dice.choice(HOSTILE))))
    return found
