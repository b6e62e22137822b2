"""Whether a SQLite write-ahead log ends in a torn transaction, or is damaged before its end (R-183).

SQLite takes a log for ended at the first frame whose checksum is wrong, which is right after a crash and
silent loss after a flipped bit. The difference: with synchronous=FULL each transaction is on the disk before
the next begins, so that a torn one is the last, and what follows the first bad frame has at most one commit
mark. The format: https://sqlite.org/fileformat2.html#the_write_ahead_log
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_HEADER_SIZE, _FRAME_HEADER_SIZE = 32, 24
_MAGIC_LITTLE, _MAGIC_BIG = 0x377F0682, 0x377F0683


def is_damaged(log: bytes) -> bool:
    """Whether a transaction before the last cannot be read."""
    header = log[:_HEADER_SIZE]
    if len(header) < _HEADER_SIZE:
        return False  # no frame was ever written
    magic, _, page_size = struct.unpack(">III", header[:12])
    if magic not in (_MAGIC_LITTLE, _MAGIC_BIG) or not page_size:
        return len(log) > _HEADER_SIZE
    order = "<" if magic == _MAGIC_LITTLE else ">"
    sums = _checksum(header[:24], (0, 0), order)
    if sums != struct.unpack(">II", header[24:32]):
        return len(log) > _HEADER_SIZE
    return _commits_after_first_bad_frame(log, page_size, sums, order) > 1


def _commits_after_first_bad_frame(log: bytes, page_size: int, sums: tuple[int, int], order: str) -> int:
    commits, broken = 0, False
    for head, page in _frames(log, page_size):
        is_current = head[8:16] == log[16:24]  # others are left from before the log was last reset
        if not broken:
            sums = _checksum(page, _checksum(head[:8], sums, order), order)
            broken = not is_current or sums != struct.unpack(">II", head[16:24])
        commits += broken and is_current and head[4:8] != b"\0\0\0\0"
    return commits


def _frames(log: bytes, page_size: int) -> Iterator[tuple[bytes, bytes]]:
    size = _FRAME_HEADER_SIZE + page_size
    for start in range(_HEADER_SIZE, len(log) - size + 1, size):
        yield log[start : start + _FRAME_HEADER_SIZE], log[start + _FRAME_HEADER_SIZE : start + size]


def _checksum(data: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    first, second = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
