"""Whether what targets write is source of its language, by that language's own parser (SC-03).

A parser that is not installed judges nothing; `judged` names those that are.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from tests.shared import ROOT

TYPESCRIPT = ROOT / "build" / "typescript" / "node_modules" / "typescript"
_SYNTAX_OF_TYPESCRIPT = """
const ts = require(process.argv[1]);
const { readdirSync, readFileSync } = require("node:fs");
for (const name of readdirSync(process.argv[2])) {
  const text = readFileSync(`${process.argv[2]}/${name}`, "utf8");
  const parsed = ts.createSourceFile(name, text, ts.ScriptTarget.Latest);
  for (const one of parsed.parseDiagnostics) {
    const { line } = parsed.getLineAndCharacterOfPosition(one.start);
    console.log(`${name}:${line + 1}: ${ts.flattenDiagnosticMessageText(one.messageText, " ")}`);
  }
}
"""


class Sources:
    """Files of many SDKs, each content once, laid side by side in a folder to be parsed in one go."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: set[str] = set()

    def add(self, sdk: str, files: Mapping[str, str | bytes]) -> None:
        """Keep what is new among the files; bytes are copies of a runtime, which has tests of its own."""
        for path, content in files.items():
            parser = PurePosixPath(path).suffix
            if parser in _PARSERS and isinstance(content, str) and content not in self._known:
                self._known.add(content)
                place = self._folder / parser / f"{sdk}-{path.replace('/', '-')[-100:]}"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(content, "utf-8")

    def check(self) -> None:
        """AssertionError with what the parsers say of the files."""
        for parser in judged():
            if (self._folder / parser).is_dir():
                said = _PARSERS[parser](self._folder / parser)
                assert not said, said[:4000]


def judged() -> list[str]:
    """The suffixes whose parsers are here."""
    needed = {".py": True, ".go": shutil.which("gofmt"), ".ts": shutil.which("node") and TYPESCRIPT.exists()}
    return [suffix for suffix in _PARSERS if needed[suffix]]


def _python(folder: Path) -> str:
    """Compiled in this process, never run."""
    return "\n".join(filter(None, map(_python_file, sorted(folder.iterdir()))))


def _python_file(path: Path) -> str:
    try:
        compile(path.read_text("utf-8"), str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        return f"{path.name}: {error}"
    return ""


def _go(folder: Path) -> str:
    """The formatter: what cannot be parsed, and what is not printed as it would."""
    return _said("gofmt", "-e", "-l", str(folder))


def _typescript(folder: Path) -> str:
    return _said("node", "-e", _SYNTAX_OF_TYPESCRIPT, str(TYPESCRIPT), str(folder))


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


_PARSERS: Mapping[str, Callable[[Path], str]] = {".py": _python, ".go": _go, ".ts": _typescript}
