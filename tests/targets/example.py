"""The target that docs/adding-a-language.md makes, as a module and as an installed package."""

from __future__ import annotations

from pathlib import Path

from llm_forge.targets import Target
from tests.docs.documents import blocks
from tests.shared import ROOT

GUIDE = ROOT / "docs" / "adding-a-language.md"
_FIRST, _LAST = "import re\n", "class ShellTarget"


def source() -> str:
    """The blocks of the guide that make the target, without those that only show something."""
    found = [block.text for block in blocks(GUIDE, "python")]
    first = next(at for at, text in enumerate(found) if text.startswith(_FIRST))
    last = next(at for at, text in enumerate(found) if _LAST in text)
    return "\n\n".join(found[first : last + 1])


def example_target() -> Target:
    """The target itself."""
    namespace: dict[str, type[Target]] = {"__name__": "forge_shell"}  # type: ignore[dict-item]  # a module's own name
    exec(compile(source(), str(GUIDE), "exec", dont_inherit=True), namespace)  # noqa: S102 - our own guide
    return namespace["ShellTarget"]()


def install(folder: Path, entry: str = "shell = forge_shell:ShellTarget") -> None:
    """Put the target into a folder as an installer would; the folder must be on `sys.path`."""
    (folder / "forge_shell.py").write_text(source())
    metadata = folder / "forge_shell-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: forge-shell\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[llm_forge.targets]\n{entry}\n")
