"""The corpora asked in this process: quick, and with the core's own traceback when one fails.

The conformance suite asks them through a driver and in every split; here each case is asked once, as written.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import msgspec
import pytest
from tests.shared import ROOT

from llm_forge.conformance.corpus import Table, load_corpora
from llm_forge.conformance.protocol import CoreAnswer

TABLES = load_corpora(ROOT / "conformance" / "corpora")
DRIVER = str(ROOT / "conformance" / "drivers" / "python")


@pytest.fixture(scope="module")
def functions() -> ModuleType:
    sys.path.insert(0, DRIVER)
    try:
        return importlib.import_module("core_functions")
    finally:
        sys.path.remove(DRIVER)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_core_gives_what_the_table_says(table: Table, functions: ModuleType) -> None:
    check = table.checks[0]
    value = msgspec.json.decode(msgspec.json.encode({"core": 1, **functions.answer(check.fn, check.input)}))
    assert check.differences(msgspec.convert(value, CoreAnswer)) == []
