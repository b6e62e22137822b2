"""Configuration files: what is refused, with file and line, and what they cost at most."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from llm_forge.core.errors import ConfigError
from llm_forge.runtime.config.document import MAX_BYTES, read_document
from llm_forge.runtime.config.schema import ConfigFile
from tests.runtime.kit import client


def refused(folder: Path, text: str | bytes, **options: object) -> str:
    path = folder / "forge.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        client(api_key=options.pop("api_key", None), config=path, **options)
    assert caught.value.message.startswith(str(path))
    return caught.value.message.removeprefix(str(path))


@pytest.mark.requirement("R-013")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("provider:\n  acme: {}", ":2: provider: Unknown key 'provider'; did you mean providers?"),
        (
            "providers:\n  acme:\n    max_retry: 3",
            ":3: providers.acme.max_retry: Unknown key 'max_retry'; did",
        ),
        (
            "providers:\n  other:\n    timout: 3",
            ":3: providers.other.timout: Unknown key 'timout'; did you mean",
        ),
        ("providers:\n  acme:\n    timeout: soon", ":3: providers.acme.timeout: timeout must be a number"),
        ("providers:\n  acme:\n    max_attempts: 0", ":3: providers.acme.max_attempts: max_attempts must be"),
        (
            "providers:\n  acme:\n    retry:\n      max_tries: 3",
            ":4: providers.acme.retry.max_tries: Unknown",
        ),
        (
            "providers:\n  acme:\n    retry: {backoff_factor: 0.5}",
            ":3: providers.acme.retry.backoff_factor: ba",
        ),
        (
            "providers:\n  acme:\n    rate_limit: {requests_per_minute: 0}",
            ":3: providers.acme.rate_limit.requ",
        ),
        ("providers:\n  acme:\n    retry: [3]", ":3: providers.acme.retry: expected a mapping, found a list"),
        ("providers: [acme]", ":1: providers: expected a mapping, found a list"),
        ("- providers", ":1: expected a mapping, found a list"),
        ("providers:\n  acme:\n    breaker: {ratio: 3}", ":3: providers.acme.breaker: breaker.ratio must be"),
        (
            "providers:\n  acme:\n    pool: {connections: 0}",
            ":3: providers.acme.pool: connections of a pool must be",
        ),
        ("providers:\n  acme:\n    proxy: http://u:p@h", ":3: providers.acme.proxy: a proxy's password"),
        ("providers:\n  acme:\n    breaker: {ration: 1}", ":3: providers.acme.breaker.ration: Unknown key"),
        (
            "providers:\n  acme:\n    auth: {kind: oauth}",
            ":3: providers.acme.auth: needs a kind: api-key, bea",
        ),
        (
            "providers:\n  acme:\n    auth: {kind: basic}",
            ":3: providers.acme.auth: basic needs more than not",
        ),
        (
            "providers:\n  acme:\n    auth: {kind: bearer, tokn: env:A}",
            ":3: providers.acme.auth.tokn: Unknown",
        ),
        (
            "providers:\n  acme:\n    headers: {x-api-key: canary}",
            ":3: providers.acme.headers.x-api-key: a cr",
        ),
        (
            "providers:\n  acme:\n    timeout: 1\n    timeout: 2",
            ":3: providers.acme: the key 'timeout' is giv",
        ),
        ("providers:\n  acme:\n   timeout: 1\n  x", ":4: not YAML: could not find expected ':'"),
        ("providers:\n\tacme: 1", ":2: not YAML: found character '\\t' that cannot start any token"),
        ("providers: {acme: !!python/name:os.system }", ":1: not YAML: could not determine a constructor"),
        ("providers: &a {acme: *a}", ":1: "),
        (b"\xff\xfe\x00", ""),
        ("a: \0", ""),
        ("[" * 5000, ": the configuration is nested too deeply"),
        ("{a: " * 60 + "}" * 60, ":1: "),
    ],
)
def test_a_file_says_where_it_is_wrong(tmp_path: Path, text: str | bytes, told: str) -> None:
    assert refused(tmp_path, text).startswith(told)


@pytest.mark.requirement("R-013")
@pytest.mark.parametrize(
    "said",
    [
        "canary-literal",
        "sk:canary",
        "'env:'",
        "[canary]",
        "{a: canary}",
        "3",
        "true",
        "http:canary",
        "'cmd:\"canary'",
    ],
)
def test_a_credential_itself_is_refused_and_not_repeated(tmp_path: Path, said: str) -> None:
    for text in (f"api_key: {said}", f"auth: {{kind: bearer, token: {said}}}"):
        message = refused(tmp_path, f"providers:\n  acme:\n    {text}")
        assert message.startswith(":3: ")
        assert "canary" not in message


@pytest.mark.requirement("R-013")
def test_references_to_nothing_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLANK", " ")
    for variable in ("UNSET_OF_NO_ONE", "BLANK"):
        assert f"{variable} is not set" in refused(
            tmp_path, f"providers: {{acme: {{api_key: env:{variable}}}}}"
        )
    assert "No such file" in refused(tmp_path, "providers: {acme: {api_key: file:/absent/of/no/one}}")
    assert "SERVICE/USER" in refused(tmp_path, "providers: {acme: {api_key: keyring:acme}}")
    monkeypatch.setenv("ODD", "a\x01canary")
    assert "canary" not in refused(tmp_path, "providers: {acme: {api_key: env:ODD}}")
    monkeypatch.setenv("OTHER_URL", "https://other.test")
    path = tmp_path / "forge.yaml"
    path.write_text("providers: {acme: {base_url: env:OTHER_URL}}")
    assert client(config=path).base_url == "https://other.test"


@pytest.mark.requirement("R-013")
def test_nothing_is_interpolated_in_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTION", "timeout")
    for key in ("${OPTION}", "$OPTION", "env:OPTION"):
        assert f"Unknown key '{key}'" in refused(tmp_path, f"providers: {{acme: {{'{key}': 3}}}}")


@pytest.mark.requirement("R-013")
def test_a_file_of_more_than_a_mebibyte_is_refused_unread(tmp_path: Path) -> None:
    message = refused(tmp_path, b"#" * (MAX_BYTES + 1))
    assert "1048576 bytes" in message
    with pytest.raises(ConfigError, match="No such file"):
        client(config=tmp_path / "absent.yaml")


@pytest.mark.requirement("R-013")
def test_an_alias_bomb_is_refused_in_no_time(tmp_path: Path) -> None:
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
    began = time.process_time()
    assert "aliases repeat more than 1000 values" in refused(tmp_path, f"a0: &a0 [x]\n{levels}")
    assert time.process_time() - began < 2.0


@pytest.mark.requirement("R-013")
def test_a_few_aliases_and_merged_mappings_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "forge.yaml"
    path.write_text(
        "providers:\n"
        "  base: &base {timeout: 5, idle_timeout: 6}\n"
        "  acme: &acme\n"
        "    <<: *base\n"
        "    timeout: 7\n"
        "  other: *acme\n"
    )
    file = ConfigFile.read(path)
    for provider in ("acme", "other"):
        assert {name: one.value for name, one in file.options(provider).items()} == {
            "timeout": 7,
            "idle_timeout": 6,
        }
    assert file.options("absent") == {}


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "forge.yaml"
    for text in ("", "# nothing\n", "providers:\n", "providers: {acme: }"):
        path.write_text(text)
        assert ConfigFile.read(path).options("acme") == {}
    path.write_text("a: [1, {b: 2}]")
    assert read_document(path).plain() == {"a": [1, {"b": 2}]}
