"""What a job takes in, and what it says about what it does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llm_forge import BatchError
from llm_forge.unified.jobs.items import InputsDigest, Item
from llm_forge.unified.jobs.sources import is_repeatable, read_items

USER = [{"role": "user", "content": "hi"}]


def read(path: Path, text: str) -> list[Item]:
    path.write_text(text, encoding="utf-8")
    return list(read_items(path))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "a.jsonl",
            '"hi"\n\n{"prompt": "hi", "id": "x"}\n{"messages": [{"role":"user","content":"hi"}], "id": 7}',
        ),
        ("a.csv", 'prompt,messages,id\nhi,,\nhi,,x\n,"[{""role"":""user"",""content"":""hi""}]",7\n'),
    ],
)
def test_prompts_and_messages_come_from_lines_and_tables(tmp_path: Path, name: str, text: str) -> None:
    found = read(tmp_path / name, "\ufeff" + text)
    assert [(item.index, item.id) for item in found] == [(0, "0"), (1, "x"), (2, "7")]
    assert all(json.loads(item.messages) == USER for item in found)


def test_each_line_of_a_text_file_is_a_prompt(tmp_path: Path) -> None:
    found = read(tmp_path / "a.txt", "one\n\n  two \n")
    assert [json.loads(item.messages)[0]["content"] for item in found] == ["one", "  two "]


def test_a_cell_that_is_too_long_for_a_csv_is_named(tmp_path: Path) -> None:
    with pytest.raises(BatchError, match=r"a.csv:3: field larger"):
        read(tmp_path / "a.csv", f"prompt\nhi\n{'x' * 200_000}\n")


@pytest.mark.parametrize(
    ("line", "culprit"),
    [
        ("{", "a.jsonl:2: not JSON"),
        ("7", "int"),
        ("{}", "either prompt or messages"),
        ('{"prompt": "a", "messages": []}', "either prompt or messages"),
        ('{"prompt": 7}', "must be text"),
        ('{"messages": "hi"}', "must be a list"),
        ('{"prompt": "a", "id": 1.5}', "id must be"),
        ('{"prompt": "a", "temprature": 1}', "temprature"),
        ('{"messages": [NaN]}', "plain JSON"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, culprit: str) -> None:
    with pytest.raises(BatchError, match=culprit):
        read(tmp_path / "a.jsonl", f'"fine"\n{line}\n')


def test_a_file_that_is_not_there_or_of_another_kind_is_named(tmp_path: Path) -> None:
    for name in ("none.jsonl", "a.xlsx"):
        with pytest.raises(BatchError, match=name):
            list(read_items(tmp_path / name))


def test_collections_are_taken_over_at_once_and_iterators_are_not() -> None:
    assert is_repeatable("a.jsonl")
    assert is_repeatable(["a"])
    assert not is_repeatable(iter(["a"]))


@pytest.mark.requirement("R-185")
def test_the_digest_depends_on_ids_contents_order_and_number() -> None:
    def digest(values: list[Any]) -> str:
        found = InputsDigest()
        for item in read_items(values):
            found.add(item.digest)
        return found.hex()

    base = digest(["a", "b"])
    assert base == digest([{"prompt": "a"}, {"messages": [{"role": "user", "content": "b"}]}])
    others: list[list[Any]] = [["b", "a"], ["a"], ["a", "b", "c"], ["a", {"prompt": "b", "id": "x"}], []]
    assert len({base, *map(digest, others)}) == 1 + len(others)
