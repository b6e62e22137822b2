"""Overlay documents: targets by JSONPath, updates that merge, append or replace, copies, removals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llm_forge import spec
from llm_forge.spec.merge import lay_over
from llm_forge.spec.source import parse_document, plain

MAIN = {
    "openapi": "3.1.0",
    "info": {"title": "T", "version": "1"},
    "tags": ["a", "b"],
    "paths": {
        "/a": {"get": {"operationId": "x", "tags": ["t"]}, "post": {"operationId": "y", "deprecated": True}},
        "/b": {"get": {"operationId": "z", "parameters": [{"name": "p"}, {"name": "q"}]}},
    },
}


def laid(*actions: dict[str, Any], version: str = "1.0.0", main: str | None = None) -> Any:
    """The document after an overlay of these actions."""
    document = parse_document(main or json.dumps(MAIN), "api.json", Path("api.json"))
    overlay = {"overlay": version, "info": {"title": "O", "version": "1"}, "actions": list(actions)}
    lay_over(document, parse_document(json.dumps(overlay), "o.json", Path("o.json")))
    return plain(document.root)


def test_an_update_merges_into_each_selected_mapping() -> None:
    found = laid({"target": "$.paths.*.get", "update": {"x-a": {"b": 1}, "operationId": "new"}})
    for path in ("/a", "/b"):
        assert found["paths"][path]["get"]["x-a"] == {"b": 1}
        assert found["paths"][path]["get"]["operationId"] == "new"
    assert found["paths"]["/a"]["get"]["tags"] == ["t"]


def test_lists_are_appended_to_and_joined() -> None:
    assert laid({"target": "$.tags", "update": "c"})["tags"] == ["a", "b", "c"]
    assert laid({"target": "$.tags", "update": ["c", "d"]}, version="1.1.0")["tags"] == ["a", "b", "c", "d"]
    assert laid({"target": "$", "update": {"tags": ["c"]}})["tags"] == ["a", "b", "c"]


def test_other_values_are_replaced() -> None:
    assert laid({"target": "$.info.title", "update": "U"}, version="1.1.0")["info"]["title"] == "U"


def test_filters_select() -> None:
    found = laid({"target": "$.paths.*[?@.deprecated == true]", "update": {"x-old": True}})
    assert found["paths"]["/a"]["post"]["x-old"] is True
    assert "x-old" not in found["paths"]["/a"]["get"]


def test_a_removal_takes_all_that_is_selected() -> None:
    found = laid(
        {"target": "$.paths['/b'].get.parameters[*]", "remove": True}, {"target": "$..post", "remove": True}
    )
    assert found["paths"]["/b"]["get"]["parameters"] == []
    assert "post" not in found["paths"]["/a"]
    found = laid({"target": "$.paths['/b'].get.parameters[?@.name == 'p']", "remove": True})
    assert found["paths"]["/b"]["get"]["parameters"] == [{"name": "q"}]


def test_actions_follow_each_other() -> None:
    found = laid(
        {"target": "$.paths", "update": {"/c": {}}},
        {"target": "$.paths['/c']", "copy": "$.paths['/a']"},
        {"target": "$.paths['/a']", "remove": True},
        version="1.1.0",
    )
    assert list(found["paths"]) == ["/b", "/c"]
    assert found["paths"]["/c"] == MAIN["paths"]["/a"]  # type: ignore[index]  # a mapping


def test_one_update_of_two_places_makes_two_things() -> None:
    found = laid(
        {"target": "$.paths.*.get", "update": {"x-a": {"n": 1}}},
        {"target": "$.paths['/a'].get['x-a']", "update": {"n": 2}},
    )
    assert (found["paths"]["/a"]["get"]["x-a"], found["paths"]["/b"]["get"]["x-a"]) == ({"n": 2}, {"n": 1})


def test_what_yaml_shares_by_alias_is_changed_only_where_it_is_selected() -> None:
    main = "openapi: 3.1.0\npaths:\n  /a: &one {get: {summary: s}}\n  /b: *one\n"
    found = laid({"target": "$.paths['/b'].get", "update": {"summary": "t"}}, main=main)
    assert (found["paths"]["/a"]["get"]["summary"], found["paths"]["/b"]["get"]["summary"]) == ("s", "t")


def test_a_forge_file_too_changes_only_what_it_names_of_what_yaml_shares(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "openapi: 3.1.0\npaths:\n  /a: &one {get: {operationId: x}}\n  /b: *one\n"
    )
    (tmp_path / "f.yaml").write_text("paths: {/b: {get: {x-forge: {method: b.read}}}}")
    api = spec.load(tmp_path / "a.yaml", forge=tmp_path / "f.yaml")
    assert sorted((one.path, one.name) for one in api.operations()) == [("/a", "a.x"), ("/b", "b.read")]


def test_a_key_without_a_value_says_nothing_about_a_mapping(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "openapi: 3.1.0\nx-forge: {provider: acme}\npaths: {/a: {get: {operationId: x}}}\n"
    )
    (tmp_path / "f.yaml").write_text("x-forge:\npaths:\n  /a:\n    get:\n      x-forge:\n")
    assert spec.load(tmp_path / "a.yaml", forge=tmp_path / "f.yaml").provider == "acme"


@pytest.mark.parametrize(
    ("overlay", "said"),
    [
        ({"overlay": "2.0.0", "actions": [{"target": "$", "update": {}}]}, "Overlay 2.0.0 is not read"),
        ({"overlay": "1.0.0"}, "expected the overlay's actions (a list)"),
        ({"overlay": "1.0.0", "actions": [3]}, "expected an action (a mapping)"),
        ({"overlay": "1.0.0", "actions": [{"target": "paths"}]}, "is no JSONPath (RFC 9535)"),
        ({"overlay": "1.0.0", "actions": [{"target": "$.paths["}]}, "is no JSONPath (RFC 9535)"),
        ({"overlay": "1.0.0", "actions": [{"target": "$.info"}]}, "needs `update`, `copy` or `remove: true`"),
        ({"overlay": "1.0.0", "actions": [{"target": "$", "remove": True}]}, "cannot be removed"),
        ({"overlay": "1.0.0", "actions": [{"target": "$", "update": 3}]}, "expected a mapping"),
        ({"overlay": "1.0.0", "actions": [{"target": "$.info", "update": 3}]}, "expected a mapping"),
        ({"overlay": "1.1.0", "actions": [{"target": "$.info", "copy": "$.tags[*]"}]}, "selects 2 places"),
    ],
)
def test_an_overlay_that_makes_no_sense_is_refused_with_its_place(overlay: dict[str, Any], said: str) -> None:
    document = parse_document(json.dumps(MAIN), "api.json", Path("api.json"))
    with pytest.raises(spec.DescriptionError) as caught:
        lay_over(document, parse_document(json.dumps(overlay), "o.json", Path("o.json")))
    assert said in caught.value.message
    assert (caught.value.file, caught.value.line) == ("o.json", 1)


def test_a_target_that_selects_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(MAIN))
    (tmp_path / "o.yaml").write_text("overlay: 1.0.0\nactions:\n- {target: $.nowhere, remove: true}\n")
    api = spec.load(tmp_path / "a.json", overlays=[tmp_path / "o.yaml"])
    assert ("o.yaml", 3, "overlay target '$.nowhere' matches nothing") in {
        (one.file, one.line, one.message) for one in api.notices
    }
