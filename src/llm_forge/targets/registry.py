"""The target languages there are: those included, and those of installed packages.

A package offers a language under the entry point group `llm_forge.targets`:

    [project.entry-points."llm_forge.targets"]
    shell = "forge_shell:ShellTarget"

The entry names a class (or function) that is called without arguments and gives a `Target`. Names are
known without importing anything; a language is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points

from .protocol import Target
from .writer import OutputError

GROUP = "llm_forge.targets"
INCLUDED: Mapping[str, str] = {
    "python": "llm_forge.targets.python:PythonTarget",
    "typescript": "llm_forge.targets.typescript:TypeScriptTarget",
    "go": "llm_forge.targets.go:GoTarget",
    "rust": "llm_forge.targets.rust:RustTarget",
}


class Targets(Mapping[str, Target]):
    """Targets by language; an included language cannot be replaced by a package's of the same name."""

    def __getitem__(self, language: str) -> Target:
        """The target of a language; KeyError if there is none.

        Raises:
            OutputError: the package that offers it cannot be imported.
        """
        entry = self._entries[language]
        try:
            target: Target = entry.load()()
        except Exception as error:
            raise OutputError(
                f"the target {language!r} ({entry.value}) cannot be loaded: {type(error).__name__}: {error}; "
                "correct or remove the package that offers it"
            ) from error
        return target

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, language: object) -> bool:
        return language in self._entries

    @cached_property
    def _entries(self) -> Mapping[str, EntryPoint]:
        offered = {entry.name: entry for entry in entry_points(group=GROUP)}
        return offered | {name: EntryPoint(name, value, GROUP) for name, value in INCLUDED.items()}
