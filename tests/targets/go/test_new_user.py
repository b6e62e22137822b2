"""What a new user does: generate a module, write the program of the page in another one, and run it."""

from __future__ import annotations

import re
from pathlib import Path

from llm_forge import spec
from llm_forge.simulator import Simulator
from llm_forge.targets import generate
from tests.shared import ROOT

from .toolchain import go, needs_go

pytestmark = needs_go
_PROGRAMS = re.compile(r"^```go\n(.*?)^```", re.MULTILINE | re.DOTALL)
MODULE = "example.com/acme/groq"


def test_the_program_of_the_page_runs(tmp_path: Path) -> None:
    (program,) = _PROGRAMS.findall((ROOT / "docs" / "go.md").read_text(encoding="utf-8"))
    generate(spec.load_description("groq"), "go", tmp_path / "groq", name=MODULE)
    user = tmp_path / "user"
    user.mkdir()
    (user / "main.go").write_text(program, encoding="utf-8")
    needs = f"require {MODULE} v0.0.0\nreplace {MODULE} => ../groq\n"
    (user / "go.mod").write_text(f"module example.com/user\n\ngo 1.22\n\n{needs}", encoding="utf-8")
    go(user, "vet", ".")
    with Simulator(seed=5) as simulator:
        said = go(user, "run", ".", **simulator.environment())
        example = go(tmp_path / "groq", "run", "./examples/quickstart", **simulator.environment())
    assert said.startswith("1 choice, request true\n")
    assert "in all 1 choice, explicit\ntrue closed\nhealthy: true limits known: true\n" in said
    assert example.strip()
