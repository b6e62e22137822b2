"""From a name such as `anthropic/claude-sonnet-4-5` to a model that can be asked."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from ..core.errors import ConfigError
from ..runtime.config.find import CREDENTIALS, find_options
from ..runtime.options import OPTION_NAMES, unknown
from .ask import PARAMETERS
from .capabilities import Target
from .config import Configuration, load_configuration
from .connection import Connection, Provider, load_provider
from .keys import kept_key
from .model import LanguageModel
from .optimizers import optimizers_of
from .route import Route

COMPATIBLE = "openai_compatible"
_CLIENTS = {"anthropic": "Anthropic", "groq": "Groq", "mistral": "Mistral", "openai": "OpenAI"}


def provider_names() -> tuple[str, ...]:
    """The providers this package has clients for, beside servers that imitate OpenAI's API."""
    return tuple(_CLIENTS)


@lru_cache
def server_names() -> tuple[str, ...]:
    """The servers that imitate OpenAI's API of which the description knows something."""
    return tuple(_servers())


def _servers() -> Mapping[str, Any]:
    from ..clients.openai_compatible.profile import PROFILE

    servers: Mapping[str, Any] = PROFILE.capabilities["servers"]
    return servers


def model_name(name: str, known: Sequence[str] = ()) -> tuple[str, str]:
    """Provider and model of `provider/model` or `provider:model`; ConfigError says what is wrong."""
    cut = min((at for at in (name.find("/"), name.find(":")) if at >= 0), default=-1)
    provider, model = (name[:cut], name[cut + 1 :]) if cut >= 0 else ("", name)
    providers = [*_CLIENTS, COMPATIBLE, *known]
    if not provider or not model:
        raise ConfigError(
            f"Model {name!r} needs a provider and a model, as in anthropic/claude-sonnet-4-5; "
            f"providers: {', '.join(providers)}"
        )
    if provider not in providers and provider not in server_names():
        near = difflib.get_close_matches(provider, [*providers, *server_names()], n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known ones: {', '.join(providers)}"
        raise ConfigError(f"Unknown provider {provider!r}; {hint}")
    return provider, model


@lru_cache(maxsize=64)
def find_provider(name: str, *, compatible: bool = False) -> Provider:
    """What is known of a provider; `compatible`: it imitates OpenAI's API, whatever it is called."""
    if name in _CLIENTS and not compatible:
        return load_provider(name, _CLIENTS[name], name, {})
    changed: dict[str, Any] = {}
    if name != COMPATIBLE:
        server = _servers().get(name, {})
        word = name.upper().replace("-", "_")
        variables = {"env_api_key": (f"{word}_API_KEY",), "env_base_url": (f"{word}_BASE_URL",)}
        changed = {"name": name, "base_url": server.get("base_url", ""), **variables}
    return load_provider(COMPATIBLE, "OpenAICompatible", name, changed)


def get_llm(name: str | Sequence[str | LanguageModel] | None = None, **options: Any) -> LanguageModel:
    """A model by its name, or a chain of models of which the next is asked when one cannot answer.

    A name is `provider/model`, `provider:model` or an alias of the configuration; None is its default model.
    Entries of a list may be models that were made with options, such as keys, of their own. `options` are the
    client's (`api_key`, `base_url`, `timeout`, ...), defaults of the calls' parameters (`temperature`, ...),
    more of these under `parameters`, and `optimize`, a list of optimizers in place of the configuration's.
    Raises ConfigError for an unknown provider, a missing key or a wrong option.
    """
    config = load_configuration(options.get("config"))
    given = {**options, "config": config.files}
    if name is None:
        if config.default_model is None:
            raise ConfigError(_NO_MODEL)
        name = config.default_model.value
    wanted = config.named(name) if isinstance(name, str) else name
    if isinstance(wanted, str):
        return _model(wanted, given, config)
    models = [one if isinstance(one, LanguageModel) else _model(one, given, config) for one in wanted]
    if not models:
        raise ConfigError("The list of models is empty")
    return LanguageModel([route for model in models for route in model.routes], options.get("clock"))


_NO_MODEL = (
    "No model: name one, such as anthropic/claude-sonnet-4-5 (--model in commands), set LLM_FORGE_MODEL, "
    "or put default_model into the configuration"
)


def _model(name: str, options: Mapping[str, Any], config: Configuration) -> LanguageModel:
    named = config.named(name)  # an entry of a chain may be an alias, too
    if not isinstance(named, str):
        raise ConfigError(f"{name!r} is a chain; a chain cannot be part of another")
    provider_name, model = model_name(named, tuple(config.kinds))
    provider = find_provider(provider_name, compatible=provider_name in config.kinds)
    client, defaults = _divided(options)
    optimizers = options.get("optimize")
    if optimizers is None:
        optimizers = optimizers_of(config.optimizations(provider_name))
    target = Target(provider.name, model, provider.can)
    spoken = {**config.parameters(provider_name, model), **defaults}
    route = Route(Connection(provider, with_kept_key(provider, client)), target, spoken, tuple(optimizers))
    return LanguageModel([route], options.get("clock"))


def with_kept_key(provider: Provider, options: Mapping[str, Any]) -> dict[str, Any]:
    """The client's options, with the key that is kept for the provider if nothing else gives one."""
    found = find_options(provider.profile, options)
    if found.keys() & CREDENTIALS or provider.profile.auth.kind == "none":
        return dict(options)
    key = kept_key(provider.name)
    return dict(options) if key is None else {**options, "api_key": key}


def _divided(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of the client, and defaults of calls."""
    for name in options:
        if name not in OPTION_NAMES and name not in PARAMETERS and name not in _OWN:
            raise ConfigError(unknown(name, sorted({*OPTION_NAMES, *PARAMETERS, *_OWN}), "option of get_llm"))
    client = {name: value for name, value in options.items() if name in OPTION_NAMES}
    defaults = {name: value for name, value in options.items() if name in PARAMETERS}
    return client, {**defaults, **options.get("parameters", {})}


_OWN = frozenset({"optimize", "parameters"})
