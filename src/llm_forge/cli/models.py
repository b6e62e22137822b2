"""`llm-forge models`: what a provider serves, what it costs, and prices from a file."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..runtime.pages import PageOf
from ..unified.config import load_configuration
from ..unified.connection import Connection
from ..unified.prices import Price, import_prices, price_of, prices
from ..unified.registry import find_provider, model_name, with_kept_key
from .failure import failing

MOST = 2000  # models of one provider; more is no list for people


def list_models(provider: str, *, as_json: bool) -> None:
    """Print the models that a provider serves, with list prices where they are known."""
    with failing():
        config = load_configuration()
        model_name(f"{provider}/any", tuple(config.kinds))
        found = find_provider(provider, compatible=provider in config.kinds)
        connection = Connection(found, with_kept_key(found, {"config": config.files}))
        try:
            client: Any = connection.client()
            names = _names(client.models.list())
        finally:
            connection.close()
    for name in sorted(names):
        price = price_of(provider, name)
        if as_json:
            print(
                json.dumps({"name": f"{provider}/{name}", "price": None if price is None else asdict(price)})
            )
        else:
            print(f"{provider}/{name}{'' if price is None else f'  {_shown(price)}'}")


def _names(listed: Any) -> list[str]:
    """The models of a list, of all its pages where it has some."""
    models = itertools.islice(listed, MOST) if isinstance(listed, PageOf) else listed.data
    return [model["id"] for model in models]


def show_prices(*, as_json: bool) -> None:
    """Print all known prices, with source and day."""
    with failing():
        table = prices()
    for price in sorted(table.values(), key=lambda one: (one.provider, one.model)):
        if as_json:
            print(json.dumps(asdict(price)))
        else:
            print(f"{price.provider}/{price.model}  {_shown(price)}  {price.captured}  {price.source}")


def _shown(price: Price) -> str:
    return f"${price.input:g} in, ${price.output:g} out per million tokens"


def refresh(path: Path) -> None:
    """Take over the prices of a file."""
    with failing():
        print(f"{import_prices(path)} prices taken over; they go before those of the package")
