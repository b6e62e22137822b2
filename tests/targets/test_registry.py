"""Languages that installed packages offer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from llm_forge import spec
from llm_forge.cli.main import main
from llm_forge.targets import OutputError, Target, Targets
from llm_forge.targets.python import PythonTarget
from llm_forge.targets.registry import INCLUDED
from tests.shared import ROOT

from .example import install

MINIMAL = ROOT / "golden" / "minimal" / "description.yaml"


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that packages can be installed into."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "forge_shell", raising=False)
    return tmp_path


def test_a_package_offers_a_language(plugins: Path) -> None:
    install(plugins)
    targets = Targets()
    assert set(targets) == {*INCLUDED, "shell"}
    assert "shell" in targets
    assert "script.sh" in targets["shell"].faces(spec.load(MINIMAL))


def test_a_language_of_a_package_is_generated_by_the_command(
    plugins: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(plugins)
    monkeypatch.setattr("llm_forge.cli.generate.TARGETS", Targets())
    monkeypatch.setattr("llm_forge.targets.TARGETS", Targets())
    with pytest.raises(SystemExit) as ended:
        main(["generate", str(MINIMAL), "--lang", "shell", "--out", str(plugins / "out"), "--name", "notes"])
    assert (ended.value.code, capsys.readouterr().err) == (0, "")
    script = plugins / "out" / "notes.sh"
    subprocess.run(["/bin/sh", "-n", str(script)], check=True)
    assert "notes_create() { call -X POST" in script.read_text()


def test_an_included_language_cannot_be_replaced(plugins: Path) -> None:
    install(plugins, "python = forge_shell:ShellTarget")
    assert isinstance(Targets()["python"], PythonTarget)


@pytest.mark.parametrize("entry", ["shell = no_such_module:X", "shell = forge_shell:NoSuchClass"])
def test_a_package_that_cannot_be_loaded_is_named_when_its_language_is_asked_for(
    entry: str, plugins: Path
) -> None:
    install(plugins, entry)
    targets = Targets()
    assert "shell" in set(targets)
    with pytest.raises(OutputError, match=r"the target 'shell' \(.*\) cannot be loaded"):
        targets["shell"]


def test_a_language_that_nobody_offers_is_not_there() -> None:
    targets = Targets()
    assert "cobol" not in targets
    with pytest.raises(KeyError):
        targets["cobol"]


def test_naming_the_languages_imports_none_of_them() -> None:
    program = "from llm_forge.targets import TARGETS; import sys; assert 'python' in set(TARGETS); "
    program += "print([name for name in sys.modules if name.startswith('llm_forge.targets.python')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("language", sorted(INCLUDED))
def test_an_included_target_has_all_that_the_protocol_asks_for(language: str) -> None:
    target = Targets()[language]
    wanted = {name for name in vars(Target) if not name.startswith("_")}
    assert wanted == {"files", "faces", "left_out", "notices"}
    assert all(callable(getattr(target, name)) for name in wanted)
