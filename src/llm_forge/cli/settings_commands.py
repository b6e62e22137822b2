"""`llm-forge models`, `keys` and `config`: the commands, which load what they need when they run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

models_app = typer.Typer(help="List models and prices.", no_args_is_help=True)
keys_app = typer.Typer(help="Keep keys in the keyring, or in a file of yours.", no_args_is_help=True)
config_app = typer.Typer(help="Show, edit and check the configuration.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Provider = Annotated[str, typer.Argument(help="The provider's name, such as anthropic.")]


@models_app.command("list")
def list_command(provider: Provider, as_json: AsJson = False) -> None:
    """List the models that a provider serves.

    List prices are shown where they are known.
    """
    from .models import list_models

    list_models(provider, as_json=as_json)


@models_app.command("prices")
def prices_command(as_json: AsJson = False) -> None:
    """List the known prices, with source and day."""
    from .models import show_prices

    show_prices(as_json=as_json)


@models_app.command("refresh")
def refresh_command(
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="LiteLLM's map of prices, or models.dev's api.json.")
    ],
) -> None:
    """Take over the prices of a file that you got; nothing is fetched."""
    from .models import refresh

    refresh(path)


@keys_app.command("set")
def set_command(
    provider: Provider,
    in_file: Annotated[bool, typer.Option("--file", help="Keep it in the file, not in the keyring.")] = False,
) -> None:
    """Keep a key, which is asked for, or read from standard input."""
    from .keys import set_key

    set_key(provider, in_file=in_file)


@keys_app.command("list")
def list_keys_command(as_json: AsJson = False) -> None:
    """List whose keys are kept where; keys are never shown."""
    from .keys import list_keys

    list_keys(as_json=as_json)


@keys_app.command("remove")
def remove_command(provider: Provider) -> None:
    """Remove a key that is kept."""
    from .keys import remove_key

    remove_key(provider)


@config_app.command("show")
def show_command(as_json: AsJson = False) -> None:
    """Show every value with its origin, without credentials."""
    from .config import show_config

    show_config(as_json=as_json)


@config_app.command("check")
def check_command(
    path: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A file beside those that are found.")
    ] = None,
) -> None:
    """Check the configuration; mistakes are told with file and line."""
    from .config import check_config

    check_config(path)


@config_app.command("edit")
def edit_command() -> None:
    """Edit your own configuration with EDITOR, and check it."""
    from .config import edit_config

    edit_config()
