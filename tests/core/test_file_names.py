"""Names of files that a server chose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_forge.core.file_names import LONGEST_BYTES, disposition_name, safe_file_name


@pytest.mark.requirement("R-244")
@pytest.mark.parametrize(
    ("served", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/x", "x"),
        ("C:\\x", "x"),
        ("a\0b\r\n.txt", "ab.txt"),
        (".bashrc", "bashrc"),
        ("..", "download"),
        ("", "download"),
        ("dir/", "download"),
        ("con.txt", "_con.txt"),
        ('a<b>:"c|?*.txt', "abc.txt"),
        ("txt.\u202egnp.exe", "txt.gnp.exe"),
        ("ü" * 3000 + ".json", "ü" * 97 + ".json"),
        ("a" * 200, "a" * 200),
        ("a" * 201, "a" * 199),  # room is kept for the dot of an extension that is none
        ("a" * 300 + ".tar.gz", "a" * 197 + ".gz"),
        ("a" * 190 + " . . . " + "b" * 20 + ".gz", "a" * 190 + ".gz"),
        ("a" * 300 + "." + "e" * 50, "a" * 149 + "." + "e" * 50),
        ("a" * 300 + "." + "e" * 51, "a" * 199),
        (" .a. .", "a"),
    ],
)
def test_a_served_name_becomes_a_base_name(served: str, safe: str) -> None:
    assert safe_file_name(served) == safe


@pytest.mark.requirement("R-244")
@given(st.text())
def test_no_name_leaves_its_folder(served: str) -> None:
    safe = safe_file_name(served)
    assert safe
    assert safe not in (".", "..")
    assert not set(safe) & set("/\\\0\r\n")
    assert len(safe.encode("utf-8", "replace")) <= LONGEST_BYTES


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("attachment", None),
        ("attachment; filename=a.txt", "a.txt"),
        ('attachment; filename="a \\"b\\".txt"', 'a "b".txt'),
        ("attachment; filename=\"a.txt\"; filename*=UTF-8''%e2%82%ac.txt", "€.txt"),
        ("attachment; filename*=bogus''x; filename=a.txt", "a.txt"),
        ("attachment; size=3; filename=a.txt", "a.txt"),
        ("attachment; filename=a.txt; filename=b.txt", "a.txt"),
        ("attachment; filename*=iso-8859-1'en'%fcber'%2e.txt", "über'..txt"),
        ("attachment; filename*=ISO-8859-1''%fc.txt", "ü.txt"),
        ("attachment; filename*=UTF-8''a%ff.txt", "a\ufffd.txt"),
        ("attachment; filename*=UTF-8''; filename=a.txt", "a.txt"),
        ("attachment; filename*=plain; filename=a.txt", "a.txt"),
        ('inline; filename=""', None),
    ],
)
def test_the_name_is_read_from_the_header(header: str, name: str | None) -> None:
    assert disposition_name(header) == name
