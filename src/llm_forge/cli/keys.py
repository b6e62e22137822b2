"""`llm-forge keys`: what is kept for the user; a key itself is never printed."""

from __future__ import annotations

import getpass
import json
import sys
from dataclasses import asdict

from ..unified.config import load_configuration
from ..unified.keys import forget_key, keep_key, kept_keys
from ..unified.registry import model_name, provider_names, server_names
from .failure import Failure, failing


def set_key(provider: str, *, in_file: bool) -> None:
    """Keep the key that is typed, or piped in."""
    with failing():
        model_name(f"{provider}/any", tuple(load_configuration().kinds))
        key = getpass.getpass(f"Key of {provider}: ") if sys.stdin.isatty() else sys.stdin.readline()
        print(f"kept in {keep_key(provider, key, in_file=in_file)}")


def list_keys(*, as_json: bool) -> None:
    """Print whose keys are kept where, with fingerprints."""
    with failing():
        kept = kept_keys([*provider_names(), *server_names()])
    if as_json:
        print(json.dumps([asdict(one) for one in kept]))
        return
    for one in kept:
        print(f"{one.provider}  {one.fingerprint}  {one.place}")


def remove_key(provider: str) -> None:
    """Remove a key from wherever it is kept."""
    with failing():
        places = forget_key(provider)
    if not places:
        raise Failure(f"No key of {provider} is kept; llm-forge keys list shows those that are")
    print(f"removed from {', '.join(places)}")
