"""What configuration files and variables say to this layer: models, aliases, optimizations, kinds of servers.

Rules of this file:
- Files, lowest first: the user's, the project's, those of `LLM_FORGE_CONFIG`, those of the `config` argument.
- The project's file is found by itself, from the working folder upwards, so it may be somebody else's. It
  may say how calls are made, and not where they go nor with whose credential: see `STEERING`.
- A name means, in this order: an alias, else `provider/model`. Aliases lead to names, not to further aliases.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..runtime.config.document import Place
from ..runtime.config.environment import CONFIG
from ..runtime.config.schema import ConfigFile
from ..runtime.config.sources import Found
from .folders import user_folder
from .optimizers import check_optimizations

PROJECT_FILE = "llm-forge.yaml"
MODEL_VARIABLE = "LLM_FORGE_MODEL"
KINDS = ("openai_compatible",)
# What decides where requests and credentials go, and whom to trust.
STEERING = frozenset(
    {
        "api_key", "auth", "base_url", "proxy", "ca_bundle", "trusted_origins", "headers", "trust_env",
        "allow_insecure_http", "kind",
    }
)  # fmt: skip
Names = str | tuple[str, ...]


@dataclass(frozen=True)
class Configuration:
    """The files that count, lowest first."""

    files: tuple[ConfigFile, ...] = ()

    @cached_property
    def default_model(self) -> Found | None:
        """The model of `get_llm()`: the variable's, else that of the highest file that names one."""
        if text := os.environ.get(MODEL_VARIABLE, "").strip():
            return Found(text, f"environment {MODEL_VARIABLE}")
        found = [_names(place) for place in self._at("default_model")]
        return found[-1] if found else None

    @cached_property
    def aliases(self) -> Mapping[str, Found]:
        """Names for models and chains."""
        return {name: _names(value) for place in self._at("aliases") for name, value in place.entries()}

    @cached_property
    def kinds(self) -> Mapping[str, Found]:
        """Providers that are said to be of a kind, such as `openai_compatible`."""
        return {name: _kind(value) for name, value in self._in_providers("kind")}

    def named(self, name: str) -> Names:
        """The model, or the chain, that a name means."""
        return self.aliases[name].value if name in self.aliases else name

    def parameters(self, provider: str, model: str) -> dict[str, Any]:
        """What calls to a model say unless they say otherwise."""
        found: dict[str, Any] = {}
        for name, models in [*self._models(), *self._in_providers("models")]:
            for key, said in models.entries():
                if (f"{name}/{key}" if name else key.replace(":", "/", 1)) == f"{provider}/{model}":
                    found |= {one: value.plain() for one, value in said.entries()}
        return found

    def optimizations(self, provider: str) -> Mapping[str, Found]:
        """The optimizers that are switched on for a provider, with their settings."""
        found: dict[str, Found] = {}
        for name, said in self._in_providers("optimizations"):
            if name == provider:
                found |= {one: Found(value.plain(), str(value)) for one, value in said.entries()}
        return found

    def check(self) -> None:
        """Read everything that this layer may be asked for; ConfigError with file and line."""
        _ = (self.default_model, self.aliases, self.kinds)
        for _, models in [*self._models(), *self._in_providers("models")]:
            for _, said in models.entries():
                _check_parameters(said)
        for _, said in self._in_providers("optimizations"):
            check_optimizations(said)

    def _models(self) -> Iterator[tuple[str, Place]]:
        yield from (("", place) for place in self._at("models"))

    def _at(self, name: str) -> Iterator[Place]:
        for file in self.files:
            yield from (value for key, value in file.root.entries() if key == name)

    def _in_providers(self, name: str) -> Iterator[tuple[str, Place]]:
        for file in self.files:
            for provider, said in file.providers():
                yield from ((provider, value) for key, value in said.entries() if key == name)


def _names(place: Place) -> Found:
    value = place.plain()
    if isinstance(value, str) and value:
        return Found(value, str(place))
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        return Found(tuple(value), str(place))
    raise place.error("expected a model, or a list of models")


def _kind(place: Place) -> Found:
    if place.value not in KINDS:
        raise place.error(f"must be {' or '.join(KINDS)}")
    return Found(place.value, str(place))


def _check_parameters(said: Place) -> None:
    for name, value in said.entries():
        if name in ("tools", "schema"):
            raise value.error("belongs to the call, not to a configuration")


def load_configuration(config: Any = None, folder: Path | None = None) -> Configuration:
    """The configuration that counts in a folder, by default the working folder; read afresh each time.

    `config` is a file, a `ConfigFile` or a list of them, beside those that are found. ConfigError with file
    and line for what they may not say.
    """
    found: list[ConfigFile] = []
    user, project = user_file(), project_file(folder or Path.cwd())
    if user.is_file():
        found.append(ConfigFile.read(user))
    if project is not None:
        found.append(_harmless(ConfigFile.read(project)))
    if named := os.environ.get(CONFIG, "").strip():
        found.append(ConfigFile.read(named))
    found += [one if isinstance(one, ConfigFile) else ConfigFile.read(one) for one in _listed(config)]
    return Configuration(tuple(found))


def _listed(config: Any) -> Sequence[Any]:
    if config is None:
        return ()
    return [config] if isinstance(config, (str, Path, ConfigFile)) else config


def user_file() -> Path:
    """The user's configuration file, whether it is there or not."""
    return user_folder() / "config.yaml"


def project_file(folder: Path) -> Path | None:
    """The next `llm-forge.yaml` from a folder upwards."""
    try:
        resolved = folder.resolve()
    except OSError:
        return None
    return next(
        (one / PROJECT_FILE for one in (resolved, *resolved.parents) if (one / PROJECT_FILE).is_file()), None
    )


def _harmless(file: ConfigFile) -> ConfigFile:
    for _, said in file.providers():
        for name, value in said.entries():
            if name in STEERING:
                raise value.error(
                    f"{name} does not belong into a file that is found by itself; "
                    f"put it into {user_file()}, or name this file with {CONFIG}"
                )
    return file
