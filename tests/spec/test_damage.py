"""Damaged descriptions: each is refused with a description error or read, never anything else."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llm_forge import spec
from llm_forge.spec.source import plain, read_document
from tests.shared import ROOT

CASES = sorted((ROOT / "golden").glob("*/description.yaml"))
WRONG: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, "", "x", [], {}, [None], [1], {"a": None}, 10**400, float("inf"),
    {"$ref": "#/components/schemas"}, {"$ref": "#/paths"}, {"$ref": "#"}, {"$ref": 3}, {"allOf": []},
    {"oneOf": [{}]}, {"oneOf": [1.5]}, {"type": []}, {"type": ["null"]}, {"enum": []}, {"enum": [None]},
)  # fmt: skip


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(pairs):
        yield value, key
        yield from places(inner)


def outcome(path: Path) -> str:
    try:
        spec.to_json(spec.load(path))
    except spec.DescriptionError as error:
        assert 1 <= len(str(error).splitlines()) <= 3
        return "refused"
    return "read"


def test_a_value_of_any_kind_at_any_place_is_read_or_refused(tmp_path: Path) -> None:
    documents = [plain(read_document(case).root) for case in CASES]
    path = tmp_path / "api.json"
    outcomes = set()
    for seed in range(400):
        dice = random.Random(seed)
        document = copy.deepcopy(dice.choice(documents))
        for _ in range(dice.randint(1, 3)):
            holder, key = dice.choice(list(places(document)))
            holder[key] = copy.deepcopy(dice.choice(WRONG))
        path.write_text(json.dumps(document))
        outcomes.add(outcome(path))
    assert outcomes == {"read", "refused"}


@pytest.mark.requirement("R-248")
def test_bytes_changed_anywhere_are_read_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "api.yaml"
    outcomes = set()
    for seed in range(200):
        dice = random.Random(seed)
        data = bytearray(dice.choice(CASES).read_bytes())
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(data))
            data[at : at + dice.randint(0, 3)] = dice.choice(
                [b"\t", b"\n", b"{", b"]", b"&a ", b"*a", b"\xff", b"\x00", b": "]
            )
        path.write_bytes(bytes(data))
        outcomes.add(outcome(path))
    assert outcomes == {"read", "refused"}
