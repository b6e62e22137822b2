"""Our clients' requests against Prism, which knows only what the vendor's document says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

import llm_forge
from llm_forge import ApiError, InvalidResponseError, spec
from llm_forge.spec import ir
from llm_forge.targets.python.attributes import by_attribute
from llm_forge.targets.python.plan import plan
from llm_forge.targets.python.text import Quoted
from llm_forge.targets.python.view import Method
from tests.descriptions.documents import Document, parse, vendor_document
from tests.descriptions.report import MAIN
from tests.descriptions.truths import TRUTHS, matches

from . import prism
from .requests import Maker

FULL_REQUESTS = 4
WITNESSED = ("anthropic", "mistral")
APIS = {name: spec.load_description(name) for name in WITNESSED}


def _methods(api: ir.Api) -> dict[str, tuple[str, Method]]:
    """The resource and the method of each operation."""
    view = plan(api, "")
    found = [(path, method) for path, one in by_attribute(view) for method in one.methods]
    return {method.operation.name: (path, method) for path, method in found}


METHODS = {name: _methods(api) for name, api in APIS.items()}

_LISTS = parse(Path(__file__).with_name("gaps.yaml").read_text(encoding="utf-8"))
GAPS: list[dict[str, str]] = _LISTS["gaps"]
CASES = [
    (provider, operation.name)
    for provider in WITNESSED
    for operation in APIS[provider].operations()
    if operation.name in {one.operation for one in TRUTHS if one.document == MAIN[provider]}
]
pytestmark = pytest.mark.skipif(prism.absent() is not None, reason=prism.absent() or "")


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What Prism says against the requests of each operation, all of them sent once."""
    folder = tmp_path_factory.mktemp("prism")
    found = {}
    for provider in WITNESSED:
        document = repaired(vendor_document(MAIN[provider]))
        with prism.served(document, folder) as url, _client(provider, url) as client:
            for name in (name for one, name in CASES if one == provider):
                found[f"{provider} {name}"] = list(dict.fromkeys(_refusals(client, provider, name)))
    return found


def _client(provider: str, url: str) -> Any:
    return getattr(llm_forge, APIS[provider].client)(api_key="key", base_url=url, max_attempts=1)


def repaired(document: Document) -> Document:
    """The document as Prism can use it.

    - Prism takes no query or fragment in a path: `?beta=true` and `#stream` go, and the beta's operation,
      which has the fields of both, takes the place of the plain one.
    - Answers to errors go, so that Prism answers a wrong request with its own list of what is wrong.
    """
    root = deepcopy(document.root)
    paths: dict[str, Any] = {}
    for path, item in sorted(root["paths"].items()):  # the beta's after the plain ones
        if "#" not in path:
            paths.setdefault(path.partition("?")[0], {}).update(item)
    for operation in (one for item in paths.values() for one in item.values() if isinstance(one, dict)):
        if "responses" in operation:
            operation["responses"] = {k: v for k, v in operation["responses"].items() if k.startswith("2")}
    return Document(document.name, root | {"paths": paths})


def _refusals(client: Any, provider: str, name: str) -> Iterator[str]:
    """What is said against a minimal request and several full ones."""
    for number in range(FULL_REQUESTS + 1):
        maker = Maker(
            APIS[provider], max(number - 1, 0), full=number > 0, unknown=unknown(f"{provider} {name}")
        )
        try:
            call(client, provider, name, maker)
        except InvalidResponseError:
            continue  # the request was taken; the document's example of an answer is no answer
        except ApiError as error:
            yield from _violations(error)


def unknown(name: str) -> frozenset[str]:
    """What is not sent to an operation, because the document does not know it."""
    entries = [one for one in _LISTS["not_sent"] if matches(one["operation"], name)]
    return frozenset(field for one in entries for field in one["fields"])


def _violations(error: ApiError) -> list[str]:
    """Place and message of each violation; what Prism says otherwise if it names none."""
    said = json.loads(error.body or "{}")
    told = [f"{'.'.join(map(str, one['location']))}: {one['message']}" for one in said.get("validation", ())]
    return told or [f"{error.status}: {said.get('detail') or error}"]


def call(client: Any, provider: str, name: str, maker: Maker) -> None:
    """Make a request by the generated method; raises what the client raises."""
    values = {Quoted(key): value for key, value in maker.arguments(APIS[provider].operation(name)).items()}
    resource, method = METHODS[provider][name]
    named = {str(one.name): values[one.wire] for one in method.arguments if one.wire in values}
    answer = getattr(attrgetter(resource)(client), method.name)(**named)
    if method.answer == "binary":
        answer.read()
    if method.answer == "lines":
        list(answer)


def excused(name: str, violation: str) -> list[dict[str, str]]:
    """The entries of gaps.yaml that excuse a violation."""
    return [one for one in GAPS if matches(one["operation"], name) and matches(one["violation"], violation)]


@pytest.mark.parametrize(("provider", "name"), CASES)
def test_prism_takes_every_request(provider: str, name: str, refusals: dict[str, list[str]]) -> None:
    operation = f"{provider} {name}"
    assert [one for one in refusals[operation] if not excused(operation, one)] == []


def test_every_gap_excuses_something_and_says_why(refusals: dict[str, list[str]]) -> None:
    used = [id(gap) for name, found in refusals.items() for one in found for gap in excused(name, one)]
    for gap in GAPS:
        assert id(gap) in used, f"excuses nothing: {gap}"
        assert len(gap["reason"].split()) >= 5, f"says no reason: {gap}"


def test_what_is_not_sent_would_be_sent_otherwise() -> None:
    for entry in _LISTS["not_sent"]:
        names = [one for one in CASES if matches(entry["operation"], " ".join(one))]
        assert len(entry["reason"].split()) >= 5
        for field in entry["fields"]:
            assert any(_changes(provider, name, field) for provider, name in names), f"never sent: {field}"


def _changes(provider: str, name: str, field: str) -> bool:
    """Whether a request of an operation would be another if the field were sent."""
    api, left_out = APIS[provider], unknown(f"{provider} {name}")
    operation = api.operation(name)
    return any(
        Maker(api, number, full=True, unknown=left_out).arguments(operation)
        != Maker(api, number, full=True, unknown=left_out - {field}).arguments(operation)
        for number in range(FULL_REQUESTS)
    )


def test_the_witness_was_asked_about_the_listed_operations() -> None:
    assert len([name for provider, name in CASES if provider == "anthropic"]) >= 15
    assert len([name for provider, name in CASES if provider == "mistral"]) >= 50


def test_prism_refuses_what_the_document_forbids(tmp_path: Path) -> None:
    with (
        prism.served(repaired(vendor_document(MAIN["mistral"])), tmp_path) as url,
        _client("mistral", url) as client,
        pytest.raises(ApiError) as caught,
    ):
        client.embeddings.create(model="mistral-embed", input=5)
    assert any(one.startswith("body.input: ") for one in _violations(caught.value))
