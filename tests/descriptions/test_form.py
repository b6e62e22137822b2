"""The rules of form that each of our descriptions keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from llm_forge.spec import load_description
from tests.shared import needs_shared

from .documents import (
    PROVIDERS,
    Document,
    description,
    description_files,
    description_path,
    operations,
    parse,
    vendor_document,
)
from .prose import fields, runs, says_more_than, schemas, sentences, texts
from .shapes import is_constant
from .truths import SECOND_SOURCES, TRUTHS

if TYPE_CHECKING:
    from collections.abc import Iterator

MODELS = {"models.list", "models.get"}
OPERATIONS = {
    "anthropic": MODELS | {"messages.create"},
    "groq": MODELS | {"chat.completions.create"},
    "mistral": MODELS | {"chat.completions.create"},
    "openai": MODELS | {"chat.completions.create"},
}
LONGEST_SENTENCE = 300
COPIED_WORDS = 8


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if not description_path(name).exists():
        pytest.fail(f"there is no description of {name} yet: {description_path(name)}")
    return name


@pytest.fixture
def document(provider: str) -> Document:
    return description(provider)


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _repeated_keys(node: yaml.Node | None) -> Iterator[str]:
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        yield from {f"line {node.start_mark.line + 1}: {key}" for key in keys if keys.count(key) > 1}
        for _, value in node.value:
            yield from _repeated_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated_keys(value)


def test_a_description_reads_the_same_by_the_rules_of_yaml_1_1_and_1_2(provider: str) -> None:
    for file in description_files(provider):
        text = file.read_text(encoding="utf-8")
        assert yaml.safe_load(text) == parse(text), file.name
    assert description(provider).root["openapi"] == "3.2.0"


def test_no_key_is_given_twice(provider: str) -> None:
    for file in description_files(provider):
        tree = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        assert sorted(_repeated_keys(tree)) == [], file.name


def test_every_reference_leads_somewhere(document: Document) -> None:
    references = set(_references(document.root))
    assert references
    for reference in references:
        assert document.at(reference), reference


def test_every_schema_is_used_by_an_operation(document: Document) -> None:
    used: set[str] = set()
    waiting = list(_references(document.root["paths"]))
    while waiting:
        reference = waiting.pop()
        if reference not in used:
            used.add(reference)
            waiting += _references(document.at(reference))
    ours = {f"#/components/schemas/{name}" for name in document.root["components"]["schemas"]}
    assert sorted(ours - used) == []


@pytest.mark.requirement("R-251")
def test_a_description_names_its_provider_and_an_https_server(document: Document) -> None:
    assert document.root["x-forge"]["provider"] == document.name
    assert all(server["url"].startswith("https://") for server in document.root["servers"])


def test_a_description_has_its_operations_with_method_replay_class_and_group(document: Document) -> None:
    found = operations(document)
    assert set(found) >= OPERATIONS[document.name]
    for name, (_, _, definition) in found.items():
        assert definition["x-forge"]["method"] == name
        assert definition["x-forge"]["replay"] in {"safe", "keyed", "once"}
        assert definition["x-forge"]["group"]
        assert definition["summary"].endswith(".")


def test_the_reader_of_descriptions_finds_nothing_to_repair_or_skip(provider: str) -> None:
    api = load_description(provider)
    assert api.notices == ()
    assert api.skipped == ()
    assert {operation.name for operation in api.operations()} >= OPERATIONS[provider]


def test_objects_stay_open_for_fields_that_are_not_known_yet(document: Document) -> None:
    closed = [path for path, schema in schemas(document.root) if schema.get("additionalProperties") is False]
    assert closed == []


def test_every_schema_is_described(document: Document) -> None:
    silent = [name for name, s in document.root["components"]["schemas"].items() if not s.get("description")]
    assert silent == []


def test_every_field_is_described_unless_it_is_constant(document: Document) -> None:
    known = list(fields(document.root))
    assert len(known) > 50
    silent = [f.path for f in known if not f.schema.get("description") and not is_constant(f.schema)]
    assert silent == []


def test_every_parameter_is_described(document: Document) -> None:
    for name, (_, _, definition) in operations(document).items():
        for parameter in map(document.follow, definition.get("parameters", ())):
            assert parameter.get("description"), f"{name} {parameter['name']}"


def test_a_description_says_more_than_the_name_of_its_field(document: Document) -> None:
    empty = [
        f.path
        for f in fields(document.root)
        if f.schema.get("description") and not says_more_than(f.name, f.schema["description"])
    ]
    assert empty == []


def test_sentences_are_short_and_end(document: Document) -> None:
    for text in texts(document.root):
        assert text.rstrip().endswith((".", "!", "?")), text
        for sentence in sentences(text):
            assert len(sentence) <= LONGEST_SENTENCE, sentence


@needs_shared
def test_no_sentence_is_the_vendors(provider: str) -> None:
    names = {t.document for t in (*TRUTHS, *SECOND_SOURCES) if t.provider == provider}
    ours = {run: text for text in texts(description(provider).root) for run in runs(text, COPIED_WORDS)}
    assert ours
    theirs = {text for name in names for text in texts(vendor_document(name).root)}
    copied = sorted({ours[run] for text in theirs for run in runs(text, COPIED_WORDS) if run in ours})
    assert copied == [], f"{len(copied)} texts share {COPIED_WORDS} words in a row with the vendor's"
