"""Rust SDKs of many descriptions in one workspace, over one runtime: what they need is compiled once."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from llm_forge import spec
from llm_forge.simulator import Simulator
from llm_forge.targets import generate

from .toolchain import RUNTIME, cargo

_WENT = re.compile(r"^(\d+) of (\d+) calls went as described$", re.MULTILINE)
# What is not under test is compiled as the runtime's own tests compile it, so that it is there already.
_WORKSPACE = """\
[workspace]
resolver = "2"
members = [{members}]

[patch.crates-io]
llm-forge-runtime = {{ path = {runtime} }}

[profile.dev]
debug = 0

[profile.dev.package."*"]
opt-level = 1
"""


def workspace(folder: Path, apis: Mapping[str, spec.Api]) -> Path:
    """Write an SDK of each API, under its name, and the workspace around them."""
    for name, api in apis.items():
        made = generate(api, "rust", folder / name, name=name, runtime="dependency")
        assert made.operations > 0
    members = ", ".join(json.dumps(name) for name in apis)
    manifest = _WORKSPACE.format(members=members, runtime=json.dumps(str(RUNTIME)))
    (folder / "Cargo.toml").write_text(manifest, encoding="utf-8")
    return folder


def check(folder: Path) -> None:
    """AssertionError for a finding of the strictest linter or of the documentation's."""
    pedantic = ("--", "-D", "warnings", "-W", "clippy::pedantic")
    # All but the unit tests of the library, of which there are none: they would compile it once more.
    cargo(folder, "clippy", "--quiet", "--lib", "--examples", "--test", "*", *pedantic)
    cargo(folder, "doc", "--quiet", "--no-deps", RUSTDOCFLAGS="-D warnings")


def passed_calls(sdk: Path) -> int:
    """Run an SDK's own tests against its wire cases; how many calls went as described, if all did."""
    with Simulator(wire=[sdk / "tests" / "wire.json"]) as simulator:
        said = cargo(
            sdk,
            "test",
            "--quiet",
            "--test",
            "*",
            "--",
            "--nocapture",
            LLM_FORGE_WIRE_URL=f"{simulator.url}/w",
        )
    went = _WENT.search(said)
    assert went is not None, said[-4000:]
    assert went[1] == went[2], said[-4000:]
    return int(went[1])


def unformatted(folder: Path) -> str:
    """What rustfmt would change in an SDK's sources, with the settings that it carries; "" for nothing."""
    sources = sorted(map(str, folder.rglob("*.rs")))
    command = (str(shutil.which("rustfmt")), "--edition", "2021", "--check", *sources)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
