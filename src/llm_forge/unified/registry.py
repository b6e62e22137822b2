"""From a name such as `anthropic/claude-sonnet-4-5` to a model that can be asked."""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import Any

from ..core.errors import ConfigError
from .dialects import DIALECTS
from .model import LanguageModel

_CLIENTS = {"anthropic": "Anthropic", "groq": "Groq", "mistral": "Mistral", "openai": "OpenAI"}


def provider_names() -> tuple[str, ...]:
    """The providers this package has clients for."""
    return tuple(_CLIENTS)


def model_name(name: str) -> tuple[str, str]:
    """Provider and model of `provider/model` or `provider:model`; ConfigError says what is wrong."""
    cut = min((at for at in (name.find("/"), name.find(":")) if at >= 0), default=-1)
    provider, model = (name[:cut], name[cut + 1 :]) if cut >= 0 else ("", name)
    if not provider or not model:
        raise ConfigError(
            f"Model {name!r} needs a provider and a model, as in anthropic/claude-sonnet-4-5; "
            f"providers: {', '.join(_CLIENTS)}"
        )
    if provider not in _CLIENTS:
        near = difflib.get_close_matches(provider, _CLIENTS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known ones: {', '.join(_CLIENTS)}"
        raise ConfigError(f"Unknown provider {provider!r}; {hint}")
    return provider, model


def get_llm(name: str, **options: Any) -> LanguageModel:
    """A model by its name; `options` are the client's (api_key, base_url, timeout, ...).

    Raises ConfigError for an unknown provider, a missing key or a wrong option.
    """
    provider, model = model_name(name)
    module = import_module(f"..clients.{provider}", __package__)
    client = getattr(module, _CLIENTS[provider])(**options)
    return LanguageModel(client, DIALECTS[provider], model)
