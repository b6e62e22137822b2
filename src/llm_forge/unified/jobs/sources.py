"""Items from files and iterables, one at a time."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sized
from importlib import import_module
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import Any

from ...core.errors import BatchError
from .items import Item, item_of

Source = str | PathLike[str] | Iterable[Any]


def is_repeatable(source: Source) -> bool:
    """Whether it can be read to its end at once: a file or a collection, not an iterator."""
    return isinstance(source, str | PathLike | Sized)


def read_items(source: Source) -> Iterator[Item]:
    """The items of a path (.jsonl, .csv, .parquet, .txt) or an iterable, read as they are asked for.

    BatchError names the line that is wrong.
    """
    if isinstance(source, str | PathLike):
        yield from _read_file(Path(source))
        return
    for index, value in enumerate(source):
        yield item_of(value, index, f"input {index}")


def _read_file(path: Path) -> Iterator[Item]:
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise BatchError(f"{path}: known inputs are {', '.join(_READERS)}")
    try:
        for index, (place, value) in enumerate(read(path)):
            yield item_of(value, index, f"{path}:{place}")
    except (OSError, UnicodeDecodeError) as error:
        raise BatchError(f"{path} cannot be read: {error}") from error


def _json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, _decoded(line, f"{path}:{number}")


def _text_lines(path: Path) -> Iterator[tuple[int, Any]]:
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, line.rstrip("\r\n")


def _csv_rows(path: Path) -> Iterator[tuple[int, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        try:
            for row in rows:
                yield rows.line_num, _row(row, f"{path}:{rows.line_num}")
        except csv.Error as error:
            raise BatchError(f"{path}:{rows.line_num + 1}: {error}; .jsonl takes every prompt") from error


def _parquet_rows(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise BatchError("Parquet needs pyarrow: pip install 'llm-forge[parquet]'") from error
    try:
        with parquet.ParquetFile(path) as file:
            groups = (group.to_pylist() for group in file.iter_batches(batch_size=1000))
            for number, row in enumerate(chain.from_iterable(groups), 1):
                yield number, _row(row, f"{path}:{number}")
    except arrow.ArrowException as error:
        raise BatchError(f"{path}: no Parquet file that can be read: {error}") from error


def _row(row: dict[Any, Any], place: str) -> dict[Any, Any]:
    """A table's row without its empty cells; `messages` is JSON there, unless the table has lists."""
    filled = {name: cell for name, cell in row.items() if cell not in (None, "")}
    if isinstance(filled.get("messages"), str):
        filled["messages"] = _decoded(filled["messages"], place)
    return filled


def _decoded(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BatchError(f"{place}: not JSON: {error}") from error


_READERS = {
    ".jsonl": _json_lines,
    ".csv": _csv_rows,
    ".parquet": _parquet_rows,
    ".txt": _text_lines,
}
