"""Every example on the pages of the providers runs, alone, against the simulator."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import llm_forge
from llm_forge import spec
from llm_forge.simulator import Simulator
from llm_forge.simulator.providers import PROVIDERS
from llm_forge.targets.regenerate import examples

from .documents import PAGES, Block, blocks

IMITATED = {"openai_compatible": "openai"}
SERVED = {provider.name: {route.operation for route in provider.routes} for provider in PROVIDERS}
# Operations of a path that another has too.
VARIANTS = {
    "audio.transcriptions.create_text": "audio.transcriptions.create",
    "audio.translations.create_text": "audio.translations.create",
    "images.edit_json": "images.edit",
    "responses.resume": "responses.get",
}
# Examples that ask for what takes a while: once they have this, the clock is set forward.
LATER = {
    "batch.jobs.delete": "batch",
    "fine_tuning.jobs.start": "training",
    "messages.batches.delete": "made",
    "messages.batches.results": "made",
}
# The first block of a page makes the client; the others are the examples.
EXAMPLES = [block for path in PAGES for block in blocks(path, "python")[1:]]
METHODS = {path.stem: len(spec.load_description(path.stem).operations()) for path in PAGES}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(seed=5) as running:
        yield running


def client_of(provider: str, simulator: Simulator) -> Any:
    """A client of a provider, which gives up at the first error."""
    made = getattr(llm_forge, spec.load_description(provider).client)
    base_url = simulator.base_urls[IMITATED.get(provider, provider)]
    return made(api_key="key", base_url=base_url, max_attempts=1)


def method(block: Block) -> str:
    """The method that the heading above an example names."""
    before = block.path.read_text(encoding="utf-8").splitlines()[: block.line]
    return next(line for line in reversed(before) if line.startswith("### ")).removeprefix("### ")


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: f"{block.path.stem}-{method(block)}")
def test_the_example_of_a_method_runs(
    block: Block, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider, name = block.path.stem, method(block)
    assert served(provider, name), f"the simulator does not serve {name} of {provider}"
    for file, told in examples(provider).files.items():
        (tmp_path / file).write_text(f"{told.line or told.what}\n" * 10, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with client_of(provider, simulator) as client:
        names: dict[str, Any] = {"client": client, "Path": Path}
        for statement in ast.parse("\n" * block.line + block.text).body:
            waiting = LATER.get(name) not in names
            part = ast.Module([statement], type_ignores=[])
            exec(compile(part, str(block.path), "exec"), names)  # noqa: S102 - running the page is the test
            if waiting and LATER.get(name) in names:
                simulator.advance(100)


def served(provider: str, name: str) -> bool:
    """Whether the simulator has the operation, or the one that it is a variant of."""
    return VARIANTS.get(name, name) in SERVED[IMITATED.get(provider, provider)]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_has_an_example_of_each_method(path: Path) -> None:
    assert len(PAGES) == 5
    names = [method(block) for block in EXAMPLES if block.path == path]
    assert len(names) == len(set(names)) == METHODS[path.stem]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_an_example_says_nothing_that_only_a_machine_would_write(path: Path) -> None:
    """A page reads well: no example has a place holder made of an argument's name."""
    for block in blocks(path, "python"):
        assert "your-model" not in block.text, f"{block}: say which model in descriptions/examples"
        assert '_id="' not in block.text, f"{block}: say which id in descriptions/examples"
        assert ' id"' not in block.text, f"{block}: say which id in descriptions/examples"


def test_what_is_said_of_examples_is_used() -> None:
    for provider in spec.providers():
        page = next(path for path in PAGES if path.stem == provider).read_text(encoding="utf-8")
        unused = [name for name in examples(provider).given if f"{name} = client." not in page]
        assert not unused, f"{provider}: {unused}"
