"""`llm-forge conformance`."""

from __future__ import annotations

from typer.exceptions import Exit

from ..conformance import main


def run_conformance(
    lang: str, only: list[str], column: list[str], *, list_cases: bool, as_json: bool, write: bool
) -> None:
    """Run the suite through its own command line, whose exit code is ours."""
    arguments = ["--lang", lang]
    arguments += [word for pattern in only for word in ("--only", pattern)]
    arguments += [word for name in column for word in ("--column", name)]
    switches = {"--list": list_cases, "--json": as_json, "--write": write}
    arguments += [name for name, on in switches.items() if on]
    code = main(arguments)
    if code:
        raise Exit(code)
