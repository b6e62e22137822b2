"""What a configuration file may say about a provider, and the options that it means.

    providers:
      anthropic:
        api_key: env:TEAM_KEY                  # a reference, see references.py
        timeout: 30                            # options by their own names
        retry: {max_attempts: 5, backoff_factor: 2, max_wait: 30, respect_retry_after: true}
        rate_limit: {requests_per_minute: 60, tokens_per_minute: 90000}

Other keys of the file belong to the layers above, which know them: see `ABOVE`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ...core.breaker import BreakerSettings
from ...core.errors import ConfigError
from ...core.limiter import Limit
from ...core.redact import names_a_secret
from ...core.secrets import Secret
from ..auth.api_key import ApiKey
from ..auth.basic import Basic
from ..auth.bearer import Bearer
from ..options import FILE_NAMES, client_settings, unknown
from ..transports.protocol import PoolLimits
from .document import Place, read_document
from .references import credential_at, variable_at
from .sources import Found

# Keys that the unified layer and its tools read from the same file.
ABOVE = frozenset({"models", "aliases", "default_model"})
ABOVE_IN_PROVIDER = frozenset({"kind", "models", "optimizations"})
RETRY = ("max_attempts", "backoff_factor", "max_wait", "respect_retry_after")
RATE_LIMIT = ("requests_per_minute", "tokens_per_minute")


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A configuration file, read and checked; `root` has what it says, with places."""

    path: Path
    root: Place

    @classmethod
    def read(cls, path: str | Path) -> ConfigFile:
        """The file; ConfigError with file and line for what it may not say."""
        place = Path(path).expanduser()
        made = cls(place, read_document(place))
        for name, value in made.root.entries():
            _check_name(name, value, {"providers", *ABOVE})
        for _, provider in made.providers():
            for name, value in provider.entries():
                _check_name(name, value, {"retry", "rate_limit", *FILE_NAMES, *ABOVE_IN_PROVIDER})
        return made

    def providers(self) -> Iterator[tuple[str, Place]]:
        """The providers it has something to say about."""
        for name, value in self.root.entries():
            if name == "providers":
                yield from value.entries()

    def options(self, provider: str, without: Container[str] = ()) -> Mapping[str, Found]:
        """The options for a provider, and where each stands; ConfigError for a value that is none.

        Those of `without` are not even looked at: a higher layer has them.
        """
        found: dict[str, Found] = {}
        for name, said in self.providers():
            for option, value in said.entries() if name == provider else ():
                if option not in without:
                    found |= _options(option, value)
        return found


def _check_name(name: str, place: Place, known: set[str]) -> None:
    if name not in known:
        raise place.error(unknown(name, sorted(known), "key"))


def _options(name: str, place: Place) -> dict[str, Found]:
    if name in ABOVE_IN_PROVIDER:
        return {}
    if name in _GROUPS:
        return _GROUPS[name](place)
    return {name: _checked(name, _READERS.get(name, Place.plain)(place), place)}


def _checked(name: str, value: Any, place: Place) -> Found:
    """The value as the client's own option would take it."""
    if name not in _NOT_SETTINGS:
        try:
            client_settings({name: value})
        except ConfigError as error:
            raise place.error(error.message) from None
    return Found(value, str(place))


_NOT_SETTINGS = frozenset({"api_key", "base_url", "transport"})


def _retry(place: Place) -> dict[str, Found]:
    """The group `retry`; `max_wait` bounds the client's own waits and those that servers ask for."""
    found: dict[str, Found] = {}
    for name, value in place.entries():
        _check_name(name, value, set(RETRY))
        for option in ("max_backoff", "max_server_wait") if name == "max_wait" else (name,):
            found[option] = _checked(option, value.plain(), value)
    return found


def _rate_limit(place: Place) -> dict[str, Found]:
    limits = []
    for name, value in place.entries():
        _check_name(name, value, set(RATE_LIMIT))
        amount = value.value
        if not isinstance(amount, int) or isinstance(amount, bool) or amount < 1:
            raise value.error("must be a whole number from 1")
        unit = name.partition("_")[0]
        # A minute's tokens at once: a request may need more than ten seconds' worth of them.
        limits.append(Limit(unit, amount, 60, burst=amount if unit == "tokens" else None))  # type: ignore[arg-type]  # one of RATE_LIMIT
    return {"limits": Found(tuple(limits), str(place))}


_GROUPS: Mapping[str, Callable[[Place], dict[str, Found]]] = {"retry": _retry, "rate_limit": _rate_limit}


def _base_url(place: Place) -> Any:
    text = place.value
    if isinstance(text, str) and text.startswith("env:"):
        return variable_at(place, text.removeprefix("env:"))
    return text


def _headers(place: Place) -> Any:
    for name, value in place.entries():
        if names_a_secret(name):
            raise value.error("a credential does not belong here; use api_key or auth with a reference")
    return place.plain()


def _object(made: Any, place: Place) -> Any:
    """The dataclass whose fields stand here."""
    facts = {}
    for name, value in place.entries():
        _check_name(name, value, set(made.__dataclass_fields__))
        facts[name] = value.plain()
    try:
        return made(**facts)
    except (ConfigError, TypeError) as error:
        raise place.error(str(error)) from None


def _proxy(place: Place) -> Any:
    """A proxy's URL; one with a password is a reference."""
    text = place.value
    if isinstance(text, str) and text.startswith("env:"):
        return Secret(variable_at(place, text.removeprefix("env:")))
    if isinstance(text, str) and "@" in text:
        raise place.error("a proxy's password does not belong here; use an env: reference")
    return text


_AUTH_KINDS = {"api-key": ApiKey, "bearer": Bearer, "basic": Basic}
_AUTH_SECRETS = frozenset({"key", "token", "password", "client_secret", "refresh_token"})


def _auth(place: Place) -> Any:
    """`none`, or a mapping with a `kind` and the fields of that object; its secrets are references."""
    from ..auth.oauth2 import OAuth2

    if place.value == "none":
        return "none"
    said = dict(place.entries())
    kind = said.pop("kind", place).value
    made = {**_AUTH_KINDS, "oauth2": OAuth2}.get(kind) if isinstance(kind, str) else None
    if made is None:
        raise place.error("needs a kind: api-key, bearer, basic or oauth2; or it is none")
    facts = {name: _auth_fact(name, value, _fields(made)) for name, value in said.items()}
    try:
        return made(**facts)
    except ConfigError as error:
        raise place.error(error.message) from None
    except TypeError:
        raise place.error(f"{kind} needs more than {', '.join(facts) or 'nothing'}") from None


def _fields(made: Any) -> set[str]:
    return set(made.__dataclass_fields__) - {"on_refresh_token"}  # a function


def _auth_fact(name: str, place: Place, known: set[str]) -> Any:
    _check_name(name, place, known)
    if name not in _AUTH_SECRETS:
        return place.plain()
    credential = credential_at(place)
    if name != "password":
        return credential
    if credential.secret is None:
        raise place.error("a password must be an env: or file: reference")
    return credential.secret


_READERS: Mapping[str, Callable[[Place], Any]] = {
    "api_key": credential_at,
    "base_url": _base_url,
    "headers": _headers,
    "breaker": partial(_object, BreakerSettings),
    "pool": partial(_object, PoolLimits),
    "proxy": _proxy,
    "auth": _auth,
}
