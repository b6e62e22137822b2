"""The generators: how each is run, and how its operations are counted in what it wrote."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from llm_forge.targets.registry import INCLUDED

ROOT = Path(__file__).resolve().parents[2]
PYTHON_TOOLS = ROOT / ".venv" / "generators"
NODE_TOOLS = ROOT / "build" / "generators"
_TYPESCRIPT_CALL = re.compile(r"^export const \w+ = <ThrowOnError", re.MULTILINE)
_PYTHON_CALL = re.compile(r"^    def ([a-z]\w*)\($", re.MULTILINE)
_OURS = re.compile(r"\((\d+) operations?,")


@dataclass(frozen=True)
class Contestant:
    """A generator. `command` gets the document and the output folder; `count` gets that folder and what was
    printed."""

    language: str
    version: str
    command: Callable[[Path, Path], list[str]]
    count: Callable[[Path, str], int]


def _ours(language: str) -> Contestant:
    program = str(Path(sys.executable).with_name("llm-forge"))
    return Contestant(
        language,
        "",
        lambda document, out: [
            program, "generate", str(document), "--lang", language, "--out", str(out)
        ],
        lambda _, said: int(found[1]) if (found := _OURS.search(said)) else 0,
    )  # fmt: skip


def _count_openapi_ts(out: Path, _: str) -> int:
    return len(_TYPESCRIPT_CALL.findall((out / "sdk.gen.ts").read_text("utf-8")))


def _count_openapi_python_client(out: Path, _: str) -> int:
    return sum(path.name != "__init__.py" for path in (out / "api").rglob("*.py"))


def _count_openapi_generator(out: Path, _: str) -> int:
    found = [
        name
        for path in (out / "openapi_client" / "api").glob("*_api.py")
        for name in _PYTHON_CALL.findall(path.read_text("utf-8"))
    ]
    return sum(not name.endswith(("_with_http_info", "_without_preload_content")) for name in found)


def _jar() -> str:
    return str(next(PYTHON_TOOLS.rglob("openapi-generator.jar")))


CONTESTANTS = {
    **{f"llm-forge, {language}": _ours(language) for language in INCLUDED},
    "@hey-api/openapi-ts": Contestant(
        "typescript",
        "0.99.0",
        lambda document, out: [
            str(NODE_TOOLS / "node_modules" / ".bin" / "openapi-ts"), "-i", str(document), "-o", str(out)
        ],
        _count_openapi_ts,
    ),
    "openapi-python-client": Contestant(
        "python",
        "0.29.1",
        lambda document, out: [
            str(PYTHON_TOOLS / "bin" / "openapi-python-client"), "generate", "--path", str(document),
            "--output-path", str(out), "--meta", "none",
        ],
        _count_openapi_python_client,
    ),
    "openapi-generator": Contestant(
        "python",
        "7.26.0",
        lambda document, out: [
            "java", "-jar", _jar(), "generate", "-g", "python", "-i", str(document), "-o", str(out),
            "--skip-validate-spec",
        ],
        _count_openapi_generator,
    ),
}  # fmt: skip
