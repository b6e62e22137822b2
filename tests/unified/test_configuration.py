"""What files and variables say of models, aliases, kinds and optimizations, and which of them wins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import llm_forge
from llm_forge import ConfigError
from llm_forge.simulator import Simulator
from llm_forge.unified.config import load_configuration


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder, and a working folder beside it."""
    folder, work = tmp_path / "home", tmp_path / "work" / "deep"
    folder.mkdir()
    work.mkdir(parents=True)
    monkeypatch.setenv("LLM_FORGE_HOME", str(folder))
    monkeypatch.chdir(work)
    for name in ("ANTHROPIC", "OPENAI", "GROQ", "MISTRAL"):
        monkeypatch.setenv(f"{name}_API_KEY", "key-of-a-test")
    return folder


def user(home: Path, text: str) -> Path:
    path = home / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def project(home: Path, text: str) -> Path:
    path = home.parent / "work" / "llm-forge.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_projects_file_goes_before_the_users_and_the_variable_before_both(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user(home, "default_model: openai/of-the-user\naliases: {fast: groq/fast, good: openai/good}\n")
    assert llm_forge.get_llm().name == "openai/of-the-user"
    project(home, "default_model: fast\naliases: {fast: mistral/fast}\n")
    assert llm_forge.get_llm().name == "mistral/fast"
    assert llm_forge.get_llm("good").name == "openai/good"
    monkeypatch.setenv("LLM_FORGE_MODEL", "anthropic/of-the-variable")
    assert llm_forge.get_llm().name == "anthropic/of-the-variable"


def test_no_model_at_all_says_where_one_may_be_named(home: Path) -> None:
    with pytest.raises(ConfigError, match="default_model"):
        llm_forge.get_llm()


def test_an_alias_may_be_a_chain_of_aliases(home: Path) -> None:
    user(home, "aliases: {fast: groq/fast, best: [anthropic/a, fast]}\n")
    assert llm_forge.get_llm("best").name == "anthropic/a,groq/fast"


def test_parameters_of_a_model_are_defaults_of_its_calls(home: Path) -> None:
    user(
        home,
        "models:\n  openai/m: {temperature: 0.5, max_tokens: 7}\n"
        "providers: {openai: {models: {m: {top_p: 0.5}}}, groq: {models: {m: {top_p: 0.1}}}}\n",
    )
    asked = llm_forge.get_llm("openai:m", max_tokens=9).explain("hi", temperature=0.1).request
    assert (asked["temperature"], asked["max_completion_tokens"], asked["top_p"]) == (0.1, 9, 0.5)


@pytest.mark.requirement("R-001")
def test_options_of_clients_come_from_the_same_files(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = user(home, "providers: {openai: {timeout: 5, retry: {max_attempts: 4}}}\n")
    client = llm_forge.get_llm("openai/m", max_attempts=2).routes[0].connection.client()
    assert client.sources()["timeout"] == f"{path}:1"
    assert client.sources()["max_attempts"] == "client argument"
    assert client.sources()["api_key"] == "environment OPENAI_API_KEY"


def test_a_server_that_imitates_openai_has_a_name_of_its_own(
    home: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    user(
        home,
        "providers:\n  our-box:\n    kind: openai_compatible\n    api_key: env:OPENAI_API_KEY\n"
        f"    base_url: {simulator.base_urls['openai']}\n",
    )
    with llm_forge.get_llm("our-box/some/model") as llm:
        reply = llm.invoke("say: hello")
    assert (reply.text, reply.provider, reply.model) == ("hello", "our-box", "some/model")


def test_known_servers_have_their_addresses(home: Path) -> None:
    llm = llm_forge.get_llm("ollama/llama3.2")
    assert llm.routes[0].connection.client().base_url == "http://127.0.0.1:11434/v1"
    with pytest.raises(ConfigError, match="base_url"):
        llm_forge.get_llm("openai_compatible/m")


@pytest.mark.parametrize(
    ("text", "culprit"),
    [
        ("default_model: 7\n", "config.yaml:1: default_model"),
        ("\naliases: {fast: {}}\n", "config.yaml:2: aliases.fast"),
        ("providers: {x: {kind: opnai}}\n", "config.yaml:1: providers.x.kind"),
        ("modles: {}\n", "models"),
        ("providers:\n  openai:\n    optimizations: {sed: 1}\n", "config.yaml:3: .*seed"),
        ("providers:\n  openai:\n    optimizations: {seed: x}\n", "config.yaml:3: .*whole number"),
        ("models:\n  openai/m:\n    tools: []\n", "config.yaml:3: .*tools"),
    ],
)
def test_mistakes_are_told_with_file_and_line(home: Path, text: str, culprit: str) -> None:
    user(home, text)
    with pytest.raises(ConfigError, match=culprit):
        load_configuration().check()


@pytest.mark.parametrize(
    "said", ["api_key: cmd:steal", "base_url: https://evil.test", "proxy: http://evil.test"]
)
def test_a_file_that_is_found_by_itself_may_not_say_where_credentials_go(home: Path, said: str) -> None:
    path = project(home, f"providers:\n  openai:\n    {said}\n")
    with pytest.raises(ConfigError, match=f"llm-forge.yaml:3: .*{said.partition(':')[0]}"):
        llm_forge.get_llm("openai/m")
    if said.startswith("base_url"):
        path.rename(path.with_name("named.yaml"))
        named = llm_forge.get_llm("openai/m", config=path.with_name("named.yaml"))
        assert named.routes[0].connection.client().base_url == "https://evil.test"


def test_optimizations_are_switched_on_by_provider(home: Path) -> None:
    user(home, "providers: {openai: {optimizations: {seed: 7, json_mode: false}}}\n")
    explained = llm_forge.get_llm("openai/m").explain("hi")
    assert explained.request["seed"] == 7
    assert [one.name for one in explained.optimizations] == ["seed"]
    given: Any = []
    assert "seed" not in llm_forge.get_llm("openai/m", optimize=given).explain("hi").request
