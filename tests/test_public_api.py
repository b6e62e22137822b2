"""The public interface as a snapshot, tests/public_api.txt: a name, base or parameter that changes is seen.

After a change that is meant: `LLM_FORGE_UPDATE=1 python -m pytest tests/test_public_api.py`, read the
diff of tests/public_api.txt, commit it.
"""

from __future__ import annotations

import difflib
import inspect
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

import llm_forge
from llm_forge import AsyncStream, Circuit, ForgeError, LanguageModel, RateLimiter, Stream, View
from llm_forge.core.errors import Attempt, ErrorDetail
from llm_forge.runtime.events import Event
from llm_forge.runtime.options import CallOptions, ClientOptions

SNAPSHOT = Path(__file__).resolve().parent / "public_api.txt"
UPDATE = "LLM_FORGE_UPDATE"
PROVIDERS = {"Anthropic": "messages", "Groq": "chat.completions", "Mistral": "chat.completions"}
PROVIDERS |= {"OpenAI": "chat.completions", "OpenAICompatible": "chat.completions"}
OWN_METHODS = (
    "download_url",
    "with_options",
    "sources",
    "rate_limit_status",
    "health_check",
    "circuit",
    "circuits",
    "close",
)
HTTP_LIBRARIES = ("httpx2", "httpcore2", "pycurl", "httpx", "aiohttp", "urllib3", "requests", "h11")


# -- what the snapshot says ----------------------------------------------------------------------------


def described() -> str:
    """The public interface as text."""
    return "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    yield "# The public interface of llm_forge. Parameters: name (by position or name), name? (the same, with"
    yield "# a default), name=! (by name only), name= (the same, with a default), name/ (by position only),"
    yield "# **name (all others)."
    yield from _section("llm_forge.__all__", sorted(llm_forge.__all__))
    yield from _section("the error tree", _tree(ForgeError))
    yield from _section("facts of every error", sorted(_annotations(ForgeError)))
    for record in (Attempt, ErrorDetail, Event):
        yield from _section(f"fields of {record.__name__}", record.__dataclass_fields__)
    yield from _section("CallOptions", sorted(CallOptions.__annotations__))
    yield from _section("ClientOptions", sorted(ClientOptions.__annotations__))
    for name, resource in PROVIDERS.items():
        yield from _section(name, _client(name, resource))
        yield from _section(f"Async{name}", _client(f"Async{name}", resource))
    for cls in (Stream, AsyncStream, View, LanguageModel, RateLimiter, Circuit):
        yield from _section(cls.__name__, _members(cls))


def _section(title: str, lines: Any) -> Iterator[str]:
    yield ""
    yield title
    yield from (f"    {line}" for line in lines)


def _tree(cls: type[Any], indent: str = "") -> Iterator[str]:
    yield f"{indent}{cls.__name__}"
    for child in sorted(cls.__subclasses__(), key=lambda one: one.__name__):
        if child.__module__ == cls.__module__:
            yield from _tree(child, indent + "  ")


def _annotations(cls: type) -> list[str]:
    return list(cls.__annotations__)


def _client(name: str, resource: str) -> Iterator[str]:
    cls = getattr(llm_forge, name)
    yield f"{name}{_signature(cls.__init__)}"
    yield from (f"{one}{_signature(getattr(cls, one))}" for one in OWN_METHODS)
    for path in (f"{resource}.create", "models.list", "models.get"):
        function = _method(cls, path)
        waits = "await " if inspect.iscoroutinefunction(function) else ""
        yield from _long(f"{waits}{path}", _parameters(function))
    stream = _method(cls, f"{resource}.stream")
    same = _parameters(stream) == _parameters(_method(cls, f"{resource}.create"))
    yield from _long(f"{resource}.stream", ["as create"] if same else _parameters(stream))


def _method(cls: Any, path: str) -> Callable[..., Any]:
    """The method behind a path such as `chat.completions.create`, of a client that needs no key."""
    found: Any = cls(auth="none", base_url="https://host.example")
    for step in path.split("."):
        found = getattr(found, step)
    return cast("Callable[..., Any]", found)


def _members(cls: type) -> Iterator[str]:
    names = {name for one in cls.__mro__[:-1] for name in vars(one) if not name.startswith("_")}
    for name in sorted(names):
        member = inspect.getattr_static(cls, name)
        if isinstance(member, property):
            yield name
        elif callable(member):
            yield f"{'await ' if inspect.iscoroutinefunction(member) else ''}{name}{_signature(member)}"


def _signature(function: Callable[..., Any]) -> str:
    return f"({', '.join(_parameters(function))})"


def _parameters(function: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    return [_parameter(one) for one in parameters if one.name != "self"]


def _parameter(parameter: inspect.Parameter) -> str:
    required = parameter.default is inspect.Parameter.empty
    match parameter.kind:
        case inspect.Parameter.POSITIONAL_ONLY:
            return f"{parameter.name}/"
        case inspect.Parameter.POSITIONAL_OR_KEYWORD:
            return f"{parameter.name}{'' if required else '?'}"
        case inspect.Parameter.KEYWORD_ONLY:
            return f"{parameter.name}{'=!' if required else '='}"
        case inspect.Parameter.VAR_POSITIONAL:
            return f"*{parameter.name}"
        case inspect.Parameter.VAR_KEYWORD:
            return f"**{parameter.name}"


def _long(head: str, parameters: list[str]) -> Iterator[str]:
    yield f"{head}("
    yield from (f"    {one}" for one in parameters)
    yield ")"


# -- tests ---------------------------------------------------------------------------------------------


def test_the_public_interface_is_as_it_was() -> None:
    found = described()
    if os.environ.get(UPDATE):
        SNAPSHOT.write_text(found, encoding="utf-8")
    known = SNAPSHOT.read_text(encoding="utf-8") if SNAPSHOT.exists() else ""
    diff = "".join(
        difflib.unified_diff(
            known.splitlines(keepends=True), found.splitlines(keepends=True), SNAPSHOT.name, "the code", n=2
        )
    )
    assert not diff, (
        f"the public interface changed:\n{diff}\n"
        f"if that is meant: {UPDATE}=1 python -m pytest tests/test_public_api.py, and commit {SNAPSHOT.name}"
    )


@pytest.mark.parametrize("name", llm_forge.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(llm_forge, name) is not None
    assert name in dir(llm_forge)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Antropic"):
        llm_forge.Antropic  # noqa: B018 - reading it is the test


@pytest.mark.requirement("R-210")
def test_every_error_of_the_tree_is_public_and_says_what_it_is() -> None:
    errors: list[type[ForgeError]] = [ForgeError, *_descendants(ForgeError)]
    assert len(errors) >= 40
    for cls in errors:
        assert getattr(llm_forge, cls.__name__) is cls
        assert (cls.__doc__ or "").strip()


def _descendants(cls: type[Any]) -> Iterator[type[Any]]:
    for child in cls.__subclasses__():
        if child.__module__ == cls.__module__:
            yield child
            yield from _descendants(child)


def test_sync_and_async_clients_have_the_same_interface() -> None:
    for name, resource in PROVIDERS.items():
        blocking = [line for line in _client(name, resource) if not line.startswith(name)]
        awaited = [line.removeprefix("await ") for line in _client(f"Async{name}", resource)]
        assert [line for line in awaited if not line.startswith("Async")] == blocking


@pytest.mark.parametrize(
    "statement", ["import llm_forge", "from llm_forge import Anthropic, OpenAI, get_llm"]
)
def test_importing_loads_no_http_library(statement: str) -> None:
    code = f"import sys; {statement}; print(*[n for n in {HTTP_LIBRARIES!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_importing_the_package_loads_no_client_and_a_client_only_itself() -> None:
    told = (
        "print(*sorted(n for n in sys.modules if n.startswith('llm_forge.clients.') and n.count('.') == 2))"
    )
    for statement, loaded in (
        ("import llm_forge", []),
        ("from llm_forge import Groq", ["llm_forge.clients.groq"]),
    ):
        code = f"import sys; {statement}; {told}"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.split() == loaded
