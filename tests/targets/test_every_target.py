"""What each target must pass: the included ones, and the one that the guide makes."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from llm_forge import spec
from llm_forge.targets import Options, Target
from llm_forge.targets.regenerate import golden_cases
from llm_forge.targets.registry import INCLUDED, Targets
from tests.shared import ROOT

from .example import example_target, install
from .hostile import check_files, check_output, loaded
from .lexers import LEXERS, code
from .parsers import Sources

CASES = golden_cases()
LANGUAGES = (*INCLUDED, "shell")
HOSTILE_DESCRIPTIONS = 120


@functools.cache
def target(language: str) -> Target:
    return example_target() if language == "shell" else Targets()[language]


@functools.cache
def files(language: str, case: Path) -> Mapping[str, str | bytes]:
    return target(language).files(spec.load(case / "description.yaml"), Options())


every_language = pytest.mark.parametrize("language", LANGUAGES)
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@every_language
@every_case
def test_faces_are_part_of_the_files(language: str, case: Path) -> None:
    faces = target(language).faces(spec.load(case / "description.yaml"))
    whole = set(files(language, case).values())
    assert faces
    assert [path for path, source in faces.items() if source not in whole] == []


@pytest.mark.requirement("R-246")
@every_language
@every_case
def test_files_are_text_with_one_line_end_last_and_nothing_hidden(language: str, case: Path) -> None:
    check_files(files(language, case))
    faces = target(language).faces(spec.load(case / "description.yaml"))
    assert [path for path, source in faces.items() if source and source[-1:] != "\n"] == []
    assert [path for path, source in faces.items() if source.endswith("\n\n")] == []


@every_language
@every_case
def test_json_and_toml_among_the_files_can_be_read(language: str, case: Path) -> None:
    readers = {".json": json.loads, ".toml": tomllib.loads}
    for path, content in files(language, case).items():
        reader = readers.get(Path(path).suffix)
        if reader and not Path(path).name.startswith("tsconfig"):  # which may have comments
            reader(content if isinstance(content, str) else content.decode())


@every_language
@every_case
def test_the_hash_of_the_description_stands_in_the_output(language: str, case: Path) -> None:
    digest = spec.load(case / "description.yaml").sha256[:16]
    assert any(digest in str(source) for source in files(language, case).values())


@every_language
@every_case
def test_what_is_left_out_is_said_first(language: str, case: Path) -> None:
    api = spec.load(case / "description.yaml")
    left_out = target(language).left_out(api)
    assert target(language).notices(api)[: len(left_out)] == left_out
    assert len(left_out) < len(api.operations())


@every_language
def test_an_operation_is_in_the_output_or_left_out_by_name(language: str) -> None:
    for case in CASES:
        api = spec.load(case / "description.yaml")
        output = "\n".join(target(language).faces(api).values())
        said = {notice.message.split()[0] for notice in target(language).left_out(api)}
        for operation in api.operations():
            assert operation.name in said or last_word(operation.name) in flat(output)


def last_word(name: str) -> str:
    return flat(name.rpartition(".")[2])


def flat(text: str) -> str:
    """Text without what the casings of languages differ in."""
    return text.replace("_", "").replace("-", "").lower()


PROGRAM = """
import hashlib, sys
from pathlib import Path
from llm_forge import spec
from llm_forge.targets import Options, TARGETS
total = hashlib.sha256()
for path in sorted(Path(sys.argv[1]).glob("*/description.yaml")):
    api = spec.load(path)
    total.update(spec.to_json(api).encode())
    for language in sorted(TARGETS):
        for name, content in TARGETS[language].files(api, Options()).items():
            total.update(language.encode() + name.encode())
            total.update(content if isinstance(content, bytes) else content.encode())
print(len(TARGETS), total.hexdigest())
"""


@pytest.mark.requirement("R-249")
def test_sc_07_output_is_the_same_under_other_hash_seeds_locales_and_folders(tmp_path: Path) -> None:
    install(tmp_path)
    worlds = [
        ("0", "C", ROOT, "UTC"),
        ("4711", "C.UTF-8", tmp_path, "Asia/Tokyo"),
        ("1", "tr_TR.UTF-8", Path("/"), ""),
    ]
    said = set()
    for seed, locale, folder, zone in worlds:
        told = {"PYTHONHASHSEED": seed, "LC_ALL": locale, "TZ": zone, "PYTHONPATH": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(ROOT / "golden")],
            cwd=folder,
            env={**os.environ, **told},
            capture_output=True,
            text=True,
            check=True,
        )
        said.add(done.stdout)
    assert len(said) == 1
    assert int(said.pop().split()[0]) == len(INCLUDED) + 1


@pytest.mark.requirement("R-245")
@pytest.mark.requirement("R-246")
def test_sc_03_hostile_text_is_refused_or_harmless_in_every_language(tmp_path: Path) -> None:
    accepted = 0
    sources = Sources(tmp_path / "sources")
    for seed in range(HOSTILE_DESCRIPTIONS):
        api = loaded(seed, tmp_path)
        for language in LANGUAGES if api is not None else ():
            assert api is not None
            sources.add(f"{seed}-{language}", check_output(api, target(language)))
            accepted += 1
    sources.check()
    assert accepted > HOSTILE_DESCRIPTIONS // 2


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a.py", 'x = """\nc()\n""" # c()\ny = "c()"'),
        ("a.ts", "const a = 'c()' + \"c()\" + `c()`; // c()\n/* c()\n */"),
        ("a.go", 'var a = "c()\\"c()" + `c()`; // c()\n/* c()\n */ var r = \'"\''),
        (
            "a.rs",
            'let a = "c()"; let b = r#"c()"c()"#; let q = \'"\'; // c()\n/* c() */ fn f<\'a>(x: &\'a str) {}',
        ),
        ("a.sh", "a='c()' # c()\nb=\"c()\""),
    ],
)
def test_literals_and_comments_are_cut_out(path: str, source: str) -> None:
    assert "c()" in source
    assert "c()" not in (code(path, source) or "c()")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a.py", 'x = "a" + c() + "b"'),
        ("a.py", 'x = f"{c()}"'),
        ("a.ts", "const a = `${c()}`"),
        ("a.ts", "const a = 'a'; c(); const b = 'b'"),
        ("a.go", 'var a = "\\\\"; c(); var b = "b"'),
        ("a.rs", 'let a = r"\\"; c(); let b = "";'),
        ("a.rs", "/* /* */ c() */"),
        ("a.sh", 'a="$(c())"'),
        ("a.sh", "a='a'; c(); b='b'"),
    ],
)
def test_what_is_executed_remains(path: str, source: str) -> None:
    assert "c()" in (code(path, source) or "").replace(" ", "")


def test_a_file_of_a_language_that_is_not_known_is_no_code() -> None:
    assert code("README.md", "c()") is None
    assert len(LEXERS) >= 5
