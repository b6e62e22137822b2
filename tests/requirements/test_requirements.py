from __future__ import annotations

import re
from pathlib import Path

from tests.shared import SHARED, needs_shared

from .evidence import marked
from .table import LIST, Catalogue, document, load, problems, strike

SOURCE = """
pytestmark = [other, pytest.mark.requirement("R-001")]
@pytest.mark.requirement("R-002")
@pytest.mark.requirement("R-003", "R-004")
async def test_one(): ...
class TestTwo:
    @pytest.mark.requirement("R-005")
    def test_inner(self): ...
TestModel = pytest.mark.requirement("R-006")(Model.TestCase)
@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.requirement("R-007"))])
def test_three(x): "R-008 is only talked about"
"""


def catalogue(*ids: str, missing: tuple[str, ...] = (), later: tuple[str, ...] = ()) -> Catalogue:
    return Catalogue({"Area": dict.fromkeys(ids, "a title")}, list(missing), {"a part": list(later)})


@needs_shared
def test_the_list_has_the_ids_of_the_contract() -> None:
    contract = (SHARED / "BEHAVIOUR.md").read_text("utf-8")
    assert sorted(load().ids) == sorted(re.findall(r"^- \*\*(R-\d{3})\*\*", contract, re.MULTILINE))


def test_marks_are_read_in_every_form_they_are_written_in() -> None:
    assert list(marked(SOURCE)) == [
        ("R-001", "*"),
        ("R-002", "test_one"),
        ("R-003", "test_one"),
        ("R-004", "test_one"),
        ("R-005", "test_inner"),
        ("R-006", "TestModel"),
        ("R-007", "test_three"),
    ]


def test_a_requirement_is_proven_or_listed_and_never_both() -> None:
    proof = {"R-001": ["tests/test_a.py::test_it"]}
    assert list(problems(catalogue("R-001"), proof)) == []
    assert (
        list(problems(catalogue("R-001", "R-002", "R-003", missing=("R-002",), later=("R-003",)), proof))
        == []
    )
    (unproven,) = problems(catalogue("R-001", "R-002"), proof)
    assert "R-002 has no test" in unproven
    for listed in (catalogue("R-001", missing=("R-001",)), catalogue("R-001", later=("R-001",))):
        (proven,) = problems(listed, proof)
        assert "R-001 is proven by tests/test_a.py::test_it" in proven


def test_what_is_proven_is_struck_off_the_missing_and_nothing_else_changes(tmp_path: Path) -> None:
    path = tmp_path / "requirements.yaml"
    text = LIST.read_text("utf-8").partition("\nmissing:\n")[0]
    path.write_text(f"{text}\nmissing:\n  - R-001\n  - R-002\nlater:\n  batches: [R-180]\n", "utf-8")
    strike(path, {"R-001": ["x"], "R-003": ["x"]})
    assert path.read_text("utf-8") == f"{text}\nmissing:\n  - R-002\nlater:\n  batches: [R-180]\n"


def test_an_id_that_no_list_knows_is_a_problem_wherever_it_stands() -> None:
    (misspelt,) = problems(catalogue("R-001"), {"R-001": ["x"], "R-999": ["tests/test_b.py::test_it"]})
    assert "R-999" in misspelt
    assert "tests/test_b.py::test_it" in misspelt
    (listed,) = problems(catalogue("R-001", missing=("R-998",)), {"R-001": ["x"]})
    assert "R-998" in listed


def test_the_document_says_what_proves_what_is_missing_and_what_is_later() -> None:
    proof = {"R-001": ["conformance/corpora/sse.json", "tests/core/test_sse.py::test_it_holds"]}
    text = document(catalogue("R-001", "R-002", "R-003", missing=("R-002",), later=("R-003",)), proof)
    assert "**R-001** a title\n\n- [corpora/sse.json](../conformance/corpora/sse.json)\n" in text
    assert "- [core/test_sse.py](../tests/core/test_sse.py): it holds\n" in text
    assert "**R-002** a title\n\n- **nothing yet**\n" in text
    assert "**R-003** a title\n\n- later: a part\n" in text
