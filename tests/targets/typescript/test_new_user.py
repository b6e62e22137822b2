"""What a new user does: install an SDK that was packed, write a script in an empty folder, and run it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from llm_forge import spec
from llm_forge.simulator import Simulator
from llm_forge.targets import generate
from tests.shared import ROOT

from .toolchain import TOOLS, link, needs_typescript, ran, tool, write

EXAMPLES = ROOT / "examples" / "typescript"
PAGE = ROOT / "docs" / "typescript.md"
_SCRIPTS = re.compile(r"^```ts\n(.*?)^```", re.MULTILINE | re.DOTALL)
_CONFIGURATION = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
SETTINGS = {
    "compilerOptions": {
        "target": "ES2022",
        "module": "NodeNext",
        "strict": True,
        "noUncheckedIndexedAccess": True,
        "exactOptionalPropertyTypes": True,
        "types": ["node"],
        "outDir": "built",
    },
    "include": ["*.ts", "*.cts"],
}


def installed(folder: Path, *providers: str) -> Path:
    """An empty folder of a user's with the packed SDKs of providers installed, without a network."""
    user = folder / "user"
    write(user / "package.json", json.dumps({"type": "module", "private": True}))
    write(user / "tsconfig.json", json.dumps(SETTINGS))
    packed = [str(pack(folder / name, name)) for name in providers]
    offline = ("--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock")
    ran(user, "npm", "install", *offline, *packed)
    link(user / "node_modules" / "@types", TOOLS / "@types")
    link(user / "node_modules" / "undici-types", TOOLS / "undici-types")
    return user


def pack(sdk: Path, provider: str) -> Path:
    """The archive that would be published; packing builds both forms."""
    generate(spec.load_description(provider), "typescript", sdk)
    link(sdk / "node_modules", TOOLS)
    ran(sdk, "npm", "pack", "--silent", "--offline")
    (archive,) = sdk.glob("*.tgz")
    return archive


def said(user: Path, simulator: Simulator, script: str) -> str:
    return ran(user, "node", f"built/{script}", **simulator.environment())


@needs_typescript
def test_examples_and_the_page_run_with_installed_packages(tmp_path: Path) -> None:
    user = installed(tmp_path, "anthropic", "groq")
    for name in ("anthropic.ts", "groq.ts"):
        write(user / name, (EXAMPLES / name).read_text())
    pages = _SCRIPTS.findall(PAGE.read_text())
    for number, source in enumerate(pages):
        write(user / f"page{number}.ts", source)
    (configuration,) = _CONFIGURATION.findall(PAGE.read_text())
    write(user / "forge.yaml", configuration)
    write(user / "common.cts", 'import Groq = require("llm-forge-groq");\nconsole.log(typeof Groq.Groq);\n')
    tool(user, "tsc", "-p", "tsconfig.json")
    with Simulator(seed=7) as simulator:
        check_anthropic(said(user, simulator, "anthropic.js"))
        check_groq(said(user, simulator, "groq.js"))
        assert said(user, simulator, "common.cjs").split() == ["function"]
        for number in range(len(pages)):
            assert said(user, simulator, f"page{number}.js")
    assert len(pages) >= 4


def check_anthropic(output: str) -> None:
    """All faults of the demo are survived or told, in order."""
    assert "explicit end" in output
    assert re.search(r"429: waiting 1\.\d\d s", output)  # what the server asked for, and a little jitter
    assert output.count("answered: ") == 2
    assert "ConnectionLostError: waiting" in output
    assert "StreamInterruptedError: " in output
    assert re.search(r'partial text: ".+", request req_', output)


def check_groq(output: str) -> None:
    told = dict(line.split(": ", 1) for line in output.splitlines())
    assert told["options"] == "environment GROQ_API_KEY and withOptions"
    assert "(200, 1 attempt)" in told["unary"]
    assert told["stream"]
    assert re.fullmatch(r"stop \d+", told["collect"])
    assert told["transcription"]
    assert told["translation"]
    assert int(told["models"]) > 0
    assert told["health"] == "true null"
    assert told["limits"] == "true"
    assert "closed" in told["circuits"]


@needs_typescript
@pytest.mark.parametrize("runtime", ["dependency"])
def test_an_sdk_over_the_runtime_as_a_package_names_its_version(tmp_path: Path, runtime: str) -> None:
    generate(spec.load_description("groq"), "typescript", tmp_path / "sdk", runtime="dependency")
    manifest = json.loads((tmp_path / "sdk" / "package.json").read_text())
    assert list(manifest["dependencies"]) == ["@llm-forge/runtime"]
    assert not (tmp_path / "sdk" / "src" / "runtime" / "client.ts").exists()
