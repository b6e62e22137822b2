"""What a call costs, by class of tokens, from list prices that carry their source and date.

Rules of this file:
- A price or a count that is not known makes the cost None, never 0.
- Each class is paid once: cached tokens are part of the input and have a price of their own.
- Nothing is fetched. `import_prices` takes a file that somebody got: LiteLLM's map or models.dev's api.json.
  Imported prices go before those of the package.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..core.errors import ConfigError
from ..runtime.files import AtomicFile
from .folders import folder_variables, user_folder
from .reply import Usage

MILLION = 1_000_000
# A dated version of a model costs what the model does.
_DATED = re.compile(r"-(\d{8}|\d{4}-\d{2}-\d{2})\Z")


@dataclass(frozen=True, slots=True)
class Price:
    """List prices of a model in US dollars per million tokens; None is not known.

    `captured` is the day on which `source` said so.
    """

    provider: str
    model: str
    input: float
    output: float
    cached: float | None = None
    cache_written: float | None = None
    captured: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a call costs in US dollars, by class of tokens; an estimate from list prices.

    `price_age_days` is the age of the price that was used, None if nobody noted its day.
    """

    total: float
    input: float
    output: float
    cached: float
    cache_written: float
    estimate: bool = True
    price_age_days: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The cost as plain JSON."""
        return asdict(self)


def cost_of(provider: str, model: str, usage: Usage | None, *, batch: bool = False) -> Cost | None:
    """The cost of a call, or of one in a provider's batch; None where a price or the usage is not known."""
    price = batch_price_of(provider, model) if batch else price_of(provider, model)
    if price is None or usage is None or usage.input is None or usage.output is None:
        return None
    cached, written = usage.cached or 0, usage.cache_written or 0
    fresh = _paid(usage.input - cached - written, price.input)
    generated, read = _paid(usage.output, price.output), _paid(cached, price.cached)
    kept = _paid(written, price.cache_written)
    if fresh is None or generated is None or read is None or kept is None:
        return None
    total = fresh + generated + read + kept
    return Cost(total, fresh, generated, read, kept, price_age_days=_age(price.captured))


def _paid(tokens: int, price: float | None) -> float | None:
    """The cost of so many tokens; no tokens cost nothing at any price."""
    if tokens == 0:
        return 0.0
    return None if price is None else tokens * price / MILLION


def _age(captured: str) -> int | None:
    if not captured:
        return None
    return int(time.time() // 86400) - _day(captured)


@lru_cache
def _day(iso: str) -> int:
    """The days from the epoch to a date."""
    return datetime.date.fromisoformat(iso).toordinal() - datetime.date(1970, 1, 1).toordinal()


def price_of(provider: str, model: str) -> Price | None:
    """The price of a model, also under the name of a dated version."""
    table = prices()
    return table.get((provider, model)) or table.get((provider, _DATED.sub("", model)))


def batch_price_of(provider: str, model: str) -> Price | None:
    """The price of a model in a provider's batches; None where it or the provider's discount is not known."""
    price, factor = price_of(provider, model), _batch_factors().get(provider)
    if price is None or factor is None:
        return None
    classes = {name: getattr(price, name) for name in ("input", "output", "cached", "cache_written")}
    return replace(price, **{name: one and one * factor for name, one in classes.items()})


def prices() -> Mapping[tuple[str, str], Price]:
    """All prices by provider and model."""
    path = imported_file()
    try:
        changed = os.stat(path).st_mtime_ns  # noqa: PTH116 - once a call: a Path costs more than all the rest
    except OSError:
        return _own()
    return _merged(path, changed)


def imported_file() -> str:
    """The path of imported prices, whether they are there or not."""
    return _path_in(*folder_variables())


@lru_cache(maxsize=8)
def _path_in(*variables: str | None) -> str:
    del variables  # a key of the cache
    return str(user_folder() / "prices.json")


@lru_cache(maxsize=1)
def _own() -> Mapping[tuple[str, str], Price]:
    return _table(own_document())


@lru_cache(maxsize=1)
def _batch_factors() -> Mapping[str, float]:
    """What a provider takes in batches of what it takes elsewhere, for all classes of tokens."""
    return {row["provider"]: row["factor"] for row in own_document()["batch"]}


def own_document() -> dict[str, Any]:
    """The table of the package."""
    document: dict[str, Any] = json.loads(files(__package__).joinpath("prices.json").read_bytes())
    return document


@lru_cache(maxsize=1)
def _merged(path: str, changed: int) -> Mapping[tuple[str, str], Price]:
    del changed  # a key of the cache
    try:
        return {**_own(), **_table(json.loads(Path(path).read_bytes()))}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ConfigError(f"{path} is no table of prices: import them again, or remove it") from error


def _table(document: Mapping[str, Any]) -> Mapping[tuple[str, str], Price]:
    return {(row["provider"], row["model"]): Price(**row) for row in document["rows"]}


def import_prices(path: Path) -> int:
    """Take the prices of a file over; how many. ConfigError for a file that has none.

    The day they are of is the file's.
    """
    try:
        document = json.loads(path.read_bytes())
        day = datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC).date().isoformat()
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not JSON'}"
        ) from None
    rows = list(_rows(document, day, str(path.name))) if isinstance(document, Mapping) else []
    if not rows:
        raise ConfigError(
            f"{path} has no prices: give LiteLLM's model_prices_and_context_window.json "
            "or api.json of models.dev"
        )
    _write(rows)
    return len(rows)


def _write(rows: list[Price]) -> None:
    path = Path(imported_file())
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = AtomicFile(path)
    try:
        file.write(json.dumps({"rows": [asdict(row) for row in rows]}, indent=1).encode())
        file.commit()
    finally:
        file.discard()


def _rows(document: Mapping[str, Any], day: str, name: str) -> Iterator[Price]:
    for key, value in document.items():
        if not isinstance(value, Mapping):
            continue
        if isinstance(value.get("models"), Mapping):
            yield from _of_models_dev(key, value["models"], day, name)
        elif value.get("litellm_provider"):
            yield from _of_litellm(key, value, day, name)


def _of_models_dev(provider: str, models: Mapping[str, Any], day: str, name: str) -> Iterator[Price]:
    for model, told in models.items():
        cost = told.get("cost") or {}
        if _are_numbers(cost.get("input"), cost.get("output")):
            read, written = cost.get("cache_read"), cost.get("cache_write")
            yield Price(
                provider, model, cost["input"], cost["output"], read, written, day, f"{name} (models.dev)"
            )


def _of_litellm(key: str, told: Mapping[str, Any], day: str, name: str) -> Iterator[Price]:
    cost = [
        _per_million(told.get(one))
        for one in (
            "input_cost_per_token",
            "output_cost_per_token",
            "cache_read_input_token_cost",
            "cache_creation_input_token_cost",
        )
    ]
    provider = str(told["litellm_provider"])
    if cost[0] is not None and cost[1] is not None:
        source = str(told.get("source") or f"{name} (LiteLLM)")
        yield Price(
            provider, key.removeprefix(f"{provider}/"), cost[0], cost[1], cost[2], cost[3], day, source
        )


def _are_numbers(*values: Any) -> bool:
    return all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in values)


def _per_million(value: Any) -> float | None:
    return round(value * MILLION, 9) if _are_numbers(value) else None
