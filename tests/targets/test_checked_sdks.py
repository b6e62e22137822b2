"""The Python clients of every description and document: they import, and no type checker objects."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from llm_forge import spec
from tests.shared import ROOT, SHARED, needs_shared
from tests.spec.test_vendor_documents import OPERATIONS, unpacked
from tests.targets.checked import PACKAGE, lay_out, mypy_findings, pyright_findings, sources

# A checker that finds nothing must be one that would have found something.
MISTAKE = 'number: int = "text"\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("checked")
    names = lay_out(found, sources(found))
    assert len(names) == len(spec.providers()) + (len(OPERATIONS) if (SHARED / "specs").is_dir() else 0)
    (found / PACKAGE / "mistake.py").write_text(MISTAKE)
    return found


def test_mypy_objects_to_nothing_but_the_mistake(folder: Path) -> None:
    (finding,) = mypy_findings(folder)
    assert "mistake.py:1: error: Incompatible types" in finding


def test_pyright_objects_to_nothing_but_the_mistake(folder: Path) -> None:
    findings = pyright_findings(folder)
    if findings is None:
        pytest.skip("pyright cannot run here: it needs node and its npm package")
    (finding,) = findings
    assert "mistake.py" in finding


def test_every_module_imports(folder: Path) -> None:
    program = (
        "import importlib, pkgutil, checked_sdks\n"
        "names = [one.name for one in pkgutil.walk_packages(checked_sdks.__path__, 'checked_sdks.')]\n"
        "print(sum(importlib.import_module(name) is not None for name in names))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    modules = [path for path in (folder / PACKAGE).rglob("*.py") if path.parent != folder / PACKAGE]
    assert int(done.stdout) >= len([path for path in modules if path.name != "__init__.py"])


DIGEST = """
import hashlib, sys
from pathlib import Path
from llm_forge import spec
from llm_forge.targets.python.target import PythonTarget
from llm_forge.targets.protocol import Options
for path in sorted(Path(sys.argv[1]).iterdir()):
    total = hashlib.sha256()
    for name, content in PythonTarget().files(spec.load(path), Options("x")).items():
        total.update(name.encode() + (content if isinstance(content, bytes) else content.encode()))
    print(path.name, total.hexdigest())
"""


@needs_shared
@pytest.mark.requirement("R-249")
def test_sdks_of_vendors_documents_are_the_same_bytes_everywhere(tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    for name in OPERATIONS:
        unpacked(name, documents)
    said = {digests(documents, *where) for where in (("1", "C", ROOT), ("4711", "C.UTF-8", tmp_path))}
    assert len(said) == 1
    assert len(said.pop().splitlines()) == len(OPERATIONS)


def digests(documents: Path, seed: str, locale: str, cwd: Path) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": locale, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", DIGEST, str(documents)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
