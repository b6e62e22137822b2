"""Costs by class of tokens; what is not known costs None."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from llm_forge import ConfigError, Usage
from llm_forge.simulator import Simulator
from llm_forge.unified.prices import cost_of, import_prices, own_document, price_of, prices

from .kit import PROVIDERS, model


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLM_FORGE_HOME", str(tmp_path / "forge"))
    return tmp_path


def test_each_class_of_tokens_is_paid_once() -> None:
    usage = Usage(input=1_000_000, output=100_000, cached=600_000, cache_written=100_000)
    cost = cost_of("anthropic", "claude-sonnet-4-5-20250929", usage)
    assert cost is not None
    assert (cost.input, cost.output) == pytest.approx((0.9, 1.5))
    assert (cost.cached, cost.cache_written) == pytest.approx((0.18, 0.375))
    assert cost.total == pytest.approx(0.9 + 1.5 + 0.18 + 0.375)
    assert cost.estimate
    assert cost.price_age_days is not None
    assert cost.price_age_days >= 0


@pytest.mark.parametrize(
    ("provider", "name", "usage"),
    [
        ("openai", "model-of-tomorrow", Usage(input=1, output=1)),
        ("anthropic", "claude-sonnet-4-5", None),
        ("anthropic", "claude-sonnet-4-5", Usage(input=1)),
        ("groq", "llama-3.3-70b-versatile", Usage(input=9, output=9, cached=5)),
    ],
)
def test_what_is_not_known_costs_none_and_never_nothing(provider: str, name: str, usage: Any) -> None:
    assert cost_of(provider, name, usage) is None


def test_a_batch_costs_what_the_provider_takes_of_its_list_prices() -> None:
    usage = Usage(input=1_000_000, output=100_000, cached=600_000, cache_written=100_000)
    batch, alone = (cost_of("anthropic", "claude-sonnet-4-5", usage, batch=one) for one in (True, False))
    assert batch is not None
    assert alone is not None
    assert batch.total == pytest.approx(alone.total / 2)
    assert batch.cached == pytest.approx(alone.cached / 2)
    usage = Usage(input=100, output=100)
    assert cost_of("groq", "llama-3.3-70b-versatile", usage) is not None
    assert cost_of("groq", "llama-3.3-70b-versatile", usage, batch=True) is None, "its discount is not known"
    assert cost_of("openai", "model-of-tomorrow", usage, batch=True) is None


def test_every_discount_has_its_source_and_day() -> None:
    rows = own_document()["batch"]
    assert {row["provider"] for row in rows} == {"anthropic", "mistral", "openai"}
    for row in rows:
        assert row["source"].startswith("https://")
        assert datetime.date.fromisoformat(row["captured"]) <= datetime.datetime.now(datetime.UTC).date()
        assert 0 < row["factor"] < 1


def test_every_price_has_its_source_and_day() -> None:
    assert {provider for provider, _ in prices()} == {"anthropic", "groq", "mistral", "openai"}
    for price in prices().values():
        assert price.source.startswith("https://")
        assert datetime.date.fromisoformat(price.captured) <= datetime.datetime.now(datetime.UTC).date()
        assert 0 < price.input < price.output


@PROVIDERS
def test_a_reply_carries_its_cost(simulator: Simulator, provider: str) -> None:
    with model(simulator, provider) as llm:
        reply = llm.invoke("say: hi")
    known = price_of(provider, llm.model)
    assert (reply.cost is None) == (known is None)
    if reply.cost is not None:
        assert reply.cost.total > 0


_COSTS = ("input_cost_per_token", "output_cost_per_token")


def write(home: Path, document: Any) -> Path:
    path = home / "given.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_prices_of_litellm_are_taken_over(home: Path) -> None:
    table = {
        "sample_spec": {"max_tokens": 1},
        "groq/new-model": {
            "litellm_provider": "groq", "input_cost_per_token": 2e-06, "output_cost_per_token": 4e-06,
        },
        "gpt-4o-mini": {
            "litellm_provider": "openai", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06,
            "cache_read_input_token_cost": 5e-07, "source": "https://example.test/prices",
        },
        "half": {"litellm_provider": "openai", "input_cost_per_token": 1e-06},
    }  # fmt: skip
    assert import_prices(write(home, table)) == 2
    assert price_of("groq", "new-model") is not None
    mini = price_of("openai", "gpt-4o-mini")
    assert mini is not None
    assert (mini.input, mini.output, mini.cached) == (1.0, 2.0, 0.5)
    assert mini.source == "https://example.test/prices"
    assert price_of("anthropic", "claude-haiku-4-5") is not None
    import_prices(write(home, {"a": {"litellm_provider": "groq", **dict.fromkeys(_COSTS, 1e-06)}}))
    assert price_of("groq", "new-model") is None, "the file of a moment ago is read no more"


def test_prices_of_models_dev_are_taken_over(home: Path) -> None:
    models = {"m": {"cost": {"input": 1, "output": 2, "cache_read": 0.1}}, "free": {"cost": {}}, "none": {}}
    assert import_prices(write(home, {"mistral": {"id": "mistral", "models": models}})) == 1
    found = price_of("mistral", "m")
    assert found is not None
    assert (found.input, found.cached, found.cache_written) == (1, 0.1, None)


@pytest.mark.parametrize("document", [[], {}, {"a": 1}, {"a": {"litellm_provider": "x"}}])
def test_a_file_without_prices_is_refused(home: Path, document: Any) -> None:
    with pytest.raises(ConfigError, match="no prices"):
        import_prices(write(home, document))
    with pytest.raises(ConfigError, match="cannot be read"):
        import_prices(home / "nowhere.json")
