"""What a document says of credentials, and what the client is generated with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llm_forge import spec
from llm_forge.spec.ir import Api, Auth
from llm_forge.targets.python.plan import plan
from llm_forge.targets.python.profile_writer import write_profile

from .making import document, load_text

URL = "https://id.example.com/token"


def described(tmp_path: Path, scheme: dict[str, Any], scopes: tuple[str, ...] = ()) -> Api:
    """The API of a document with that one scheme."""
    whole = json.loads(document({"Answer": {"type": "object"}}))
    whole["security"] = [{"mine": list(scopes)}]
    whole["components"]["securitySchemes"] = {"mine": scheme}
    return load_text(tmp_path, json.dumps(whole), "api.json")


def flows(**flows: Any) -> dict[str, Any]:
    return {"type": "oauth2", "flows": flows}


@pytest.mark.requirement("R-023")
@pytest.mark.parametrize(
    ("scheme", "auth"),
    [
        ({"type": "http", "scheme": "Bearer"}, Auth()),
        ({"type": "http", "scheme": "basic"}, Auth("basic")),
        ({"type": "apiKey", "in": "query", "name": "key"}, Auth("api-key", "query", "key")),
        ({"type": "openIdConnect", "openIdConnectUrl": URL}, Auth()),
        (flows(clientCredentials={"tokenUrl": URL, "scopes": {}}), Auth("oauth2", token_url=URL)),
        (
            flows(
                authorizationCode={"authorizationUrl": URL, "tokenUrl": f"{URL}/1", "refreshUrl": f"{URL}/2"}
            ),
            Auth("oauth2", token_url=f"{URL}/2"),
        ),
        (
            flows(password={"tokenUrl": f"{URL}/1"}, clientCredentials={"tokenUrl": f"{URL}/2"}),
            Auth("oauth2", token_url=f"{URL}/2"),
        ),
        (flows(implicit={"authorizationUrl": URL}), Auth("oauth2")),
        ({"type": "oauth2"}, Auth("oauth2")),
    ],
)
def test_a_scheme_says_where_the_credential_goes(tmp_path: Path, scheme: dict[str, Any], auth: Auth) -> None:
    assert described(tmp_path, scheme).auth == auth


@pytest.mark.requirement("R-028")
def test_scopes_come_from_the_requirement_and_client_authentication_from_the_forge(tmp_path: Path) -> None:
    scheme = flows(clientCredentials={"tokenUrl": URL, "scopes": {"a": "A", "b": "B", "c": "C"}})
    api = described(tmp_path, {**scheme, "x-forge": {"client_auth": "body"}}, ("a", "b"))
    assert api.auth == Auth("oauth2", token_url=URL, scopes=("a", "b"), client_auth="body")
    source = write_profile(plan(api, "0"))
    for part in ('kind="oauth2"', f'token_url="{URL}"', 'scopes=("a", "b")', 'client_auth="body"'):
        assert part in source


@pytest.mark.requirement("R-029")
@pytest.mark.parametrize(
    "url", ["http://id.example.com/token", "https://u:p@id.example.com", "/token", "https://{host}/t", "x\n"]
)
def test_a_token_url_must_be_one_that_secrets_may_go_to(tmp_path: Path, url: str) -> None:
    api = described(tmp_path, flows(clientCredentials={"tokenUrl": url}))
    assert api.auth == Auth("oauth2")
    assert any("token URL" in notice.message for notice in api.notices)


def test_a_misspelt_key_or_word_of_a_scheme_is_an_error(tmp_path: Path) -> None:
    for told in ({"client_aut": "body"}, {"client_auth": "bodies"}):
        with pytest.raises(spec.DescriptionError, match="did you mean"):
            described(tmp_path, {**flows(), "x-forge": told})
