"""What a new user does: generate a crate, depend on it, and run the program of the page and the tour."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from llm_forge import spec
from llm_forge.simulator import Simulator
from llm_forge.targets import generate
from tests.shared import ROOT

from .toolchain import RUNTIME, cargo, needs_rust

pytestmark = [needs_rust, pytest.mark.xdist_group("rust")]
_PROGRAMS = re.compile(r"^```rust\n(.*?)^```", re.MULTILINE | re.DOTALL)
TOLD = ["unary", "stream", "collect", "transcription", "translation", "models"]
TOLD += ["health", "limits", "circuits"]
_MANIFEST = """\
[package]
name = "user"
version = "0.1.0"
edition = "2021"

[dependencies]
groq = {{ path = "../groq" }}
futures = "{futures}"
tokio = {{ version = "{tokio}", features = ["rt", "macros"] }}

[profile.dev]
debug = 0

[profile.dev.package."*"]
opt-level = 1
"""


def manifest() -> str:
    pinned = tomllib.loads((RUNTIME / "Cargo.toml").read_text(encoding="utf-8"))["dependencies"]
    return _MANIFEST.format(futures=pinned["futures"], tokio=pinned["tokio"]["version"])


def test_the_program_of_the_page_and_the_tour_run(tmp_path: Path) -> None:
    (page,) = _PROGRAMS.findall((ROOT / "docs" / "rust.md").read_text(encoding="utf-8"))
    tour = (ROOT / "examples" / "rust" / "groq.rs").read_text(encoding="utf-8")
    generate(spec.load_description("groq"), "rust", tmp_path / "groq", name="groq")
    user = tmp_path / "user"
    (user / "src" / "bin").mkdir(parents=True)
    (user / "src" / "bin" / "page.rs").write_text(page, encoding="utf-8")
    (user / "src" / "bin" / "tour.rs").write_text(tour, encoding="utf-8")
    (user / "Cargo.toml").write_text(manifest(), encoding="utf-8")
    (user / "rustfmt.toml").write_bytes((RUNTIME / "rustfmt.toml").read_bytes())
    cargo(user, "fmt", "--check")
    cargo(user, "clippy", "--quiet", "--", "-D", "warnings")
    with Simulator(seed=5) as simulator:
        said = cargo(user, "run", "--quiet", "--bin", "page", **simulator.environment())
        toured = cargo(user, "run", "--quiet", "--bin", "tour", **simulator.environment())
    assert said.startswith("1 choice\n2 messages\n1 choice in all, Some(Explicit)\ntrue Some(Closed)\n")
    assert "healthy: true limits known: true\n" in said
    lines = dict(line.split(": ", 1) for line in toured.splitlines() if ": " in line)
    assert list(lines) == TOLD
    assert lines["health"] == lines["limits"] == "true"
