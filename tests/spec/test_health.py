"""Which operation shows whether an API works."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_forge import spec
from tests.spec.making import load_text, refusal

PATHS = """\
openapi: 3.1.0
info: {{title: Acme, version: "1"}}
servers: [{{url: https://api.acme.test}}]
x-forge: {{provider: acme{health}}}
paths:
  /models:
    get:
      x-forge: {{method: models.list, replay: safe}}
      parameters: [{{name: limit, in: query, required: {required}, schema: {{type: integer}}}}]
      responses: {{"200": {{description: OK, content: {{application/json: {{schema: {{type: object}}}}}}}}}}
  /ping:
    get:
      x-forge: {{method: status.get, replay: safe}}
      responses: {{"200": {{description: OK, content: {{application/json: {{schema: {{type: object}}}}}}}}}}
"""


def text(health: str = "", required: str = "false") -> str:
    return PATHS.format(health=f", health: {health}" if health else "", required=required)


def test_the_list_of_models_serves_unless_another_operation_is_named(tmp_path: Path) -> None:
    assert load_text(tmp_path, text()).health == "models.list"
    assert load_text(tmp_path, text("status.get")).health == "status.get"


def test_an_operation_that_needs_an_argument_does_not_serve(tmp_path: Path) -> None:
    assert load_text(tmp_path, text(required="true")).health is None
    error = refusal(tmp_path, text("models.list", required="true"))
    assert "fit are status.get" in str(error)
    assert "no safe GET" in str(refusal(tmp_path, text("models.lst")))


@pytest.mark.parametrize("provider", spec.providers())
def test_each_of_our_own_descriptions_has_one(provider: str) -> None:
    assert spec.load_description(provider).health == "models.list"
