"""Prints client.py: the clients, for threads and for asyncio."""

from __future__ import annotations

from .children import child_imports, child_property
from .printing import head, text, wrapped
from .text import docstring
from .view import View


def write_client(view: View) -> str:
    """The source of client.py."""
    found = head(view, f"The clients of {view.title}, blocking and asyncio.")
    if view.children:
        found += ["from functools import cached_property", "from typing import TYPE_CHECKING", ""]
    found += ["from ...runtime.client import AsyncClient, SyncClient", "from .profile import PROFILE"]
    if view.children:
        found += ["", "if TYPE_CHECKING:", *child_imports(view, view.children, ".resources.")]
    return text([*found, *_client(view, asynchronous=False), *_client(view, asynchronous=True)])


def _client(view: View, *, asynchronous: bool) -> list[str]:
    prefix, word = ("Async", "asyncio") if asynchronous else ("", "blocking")
    found = ["", "", f"class {prefix}{view.client}({prefix or 'Sync'}Client):"]
    found += docstring(_client_documentation(view, word), "    ")
    found += ["", "    profile = PROFILE"]
    modules = {one.name: f".resources.{one.module}" for one in view.resources}
    for child, class_name in view.children:
        found += ["", *child_property(child, f"{prefix}{class_name}", modules[class_name], "self")]
    return found


def _client_documentation(view: View, word: str) -> list[str]:
    found = wrapped(f"The {word} client of {view.title}.")
    keys, urls = view.api.env.api_key, view.api.env.base_url
    if keys:
        names = ", ".join(f"`{name}`" for name in keys)
        found += ["", f"`api_key` is read from {names} where it is not given."]
    if urls:
        names = ", ".join(f"`{name}`" for name in urls)
        found += ["", f"`base_url` is read from {names} where it is not given."]
    return found
