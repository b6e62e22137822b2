"""A job's outcomes as a file that appears whole or not at all: JSON Lines, or Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from ...core.errors import BatchError
from ...runtime.files import AtomicFile
from .items import Outcome

_CHUNK = 1 << 20


def write_outcomes(outcomes: Iterator[Outcome], path: Path) -> None:
    """Write outcomes in their order to .parquet, or to anything else as JSON Lines.

    The same outcomes give the same bytes. BatchError where the disk refuses or the format is not there.
    """
    write_whole(path, _parquet(outcomes) if path.suffix.lower() == ".parquet" else _lines(outcomes))


def write_whole(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file that appears whole or not at all; BatchError where the disk refuses."""
    try:
        file = AtomicFile(path)
        try:
            for piece in pieces:
                file.write(piece)
            file.commit()
        finally:
            file.discard()
    except OSError as error:
        raise BatchError(
            f"{path} cannot be written: {error.strerror or error}; the job file has all"
        ) from error


def _lines(outcomes: Iterator[Outcome]) -> Iterator[bytes]:
    for outcome in outcomes:
        yield line_of(outcome)


def line_of(outcome: Outcome) -> bytes:
    """An outcome as a line of JSON."""
    text = json.dumps(outcome.to_dict(), ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can carry as an escape only
        return json.dumps(outcome.to_dict(), separators=(",", ":")).encode() + b"\n"


def _parquet(outcomes: Iterator[Outcome]) -> Iterator[bytes]:
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise BatchError("Parquet needs pyarrow: pip install 'llm-forge[parquet]'") from error
    texts = ("id", "text", "reply", "error", "usage")
    schema = arrow.schema(
        [(name, arrow.string()) for name in texts]
        + [("index", arrow.int64()), ("cost", arrow.float64()), ("attempts", arrow.int64())]
    )
    sink = arrow.BufferOutputStream()
    with parquet.ParquetWriter(sink, schema) as writer:
        while rows := [_row(outcome) for outcome in islice(outcomes, 1000)]:
            writer.write_table(arrow.Table.from_pylist(rows, schema=schema))
    whole = memoryview(sink.getvalue())
    for start in range(0, len(whole), _CHUNK):
        yield bytes(whole[start : start + _CHUNK])


def _row(outcome: Outcome) -> dict[str, Any]:
    """A line with its objects as JSON text, since their shapes differ from answer to answer."""
    line = outcome.to_dict()
    return {name: json.dumps(cell) if isinstance(cell, dict) else cell for name, cell in line.items()}
