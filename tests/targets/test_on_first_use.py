"""What a generated client imports, and when: a service's methods and types on its first use, no others."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from importlib import import_module
from pkgutil import iter_modules

import pytest

from llm_forge import OpenAI
from llm_forge.clients import openai
from llm_forge.clients.openai import models
from llm_forge.core.views import View


def loaded_by(*statements: str) -> set[str]:
    """The modules of the client of OpenAI that a fresh interpreter has after these statements."""
    code = "; ".join([*statements, "import sys; print(*sys.modules)"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    start = "llm_forge.clients.openai."
    return {name.removeprefix(start) for name in done.stdout.split() if name.startswith(start)}


CLIENT = "from llm_forge import OpenAI; client = OpenAI(api_key='k')"


def test_a_client_has_loaded_no_service_and_no_type() -> None:
    assert loaded_by(CLIENT) == {"client", "profile"}


def test_a_service_loads_its_own_methods_and_types_only() -> None:
    loaded = loaded_by(CLIENT, "client.chat.completions")
    assert {"resources.chat", "resources.chat_completions", "models.chat"} <= loaded
    services = {name for name in loaded if name.startswith("models.")}
    assert services <= {"models.chat", "models.common"}
    assert "params" not in loaded


def test_a_type_loads_its_own_module_only() -> None:
    loaded = loaded_by("from llm_forge.clients.openai.models import Embedding")
    assert loaded == {"client", "profile", "models", "models.embeddings"}


def test_every_type_can_be_had_from_models() -> None:
    parts = [import_module(one.name) for one in iter_modules(models.__path__, f"{models.__name__}.")]
    defined = {
        name: one
        for part in parts
        for name, one in vars(part).items()
        if isinstance(one, type) and issubclass(one, View) and one.__module__ == part.__name__
    }
    assert len(defined) > 300
    assert all(getattr(models, name) is one for name, one in defined.items())
    assert defined.keys() <= set(dir(models))


def test_importing_all_names_of_models_gives_all_of_them() -> None:
    names: dict[str, object] = {}
    exec("from llm_forge.clients.openai.models import *", names)  # noqa: S102 - only modules may say it
    assert set(dir(models)) <= names.keys()


def test_a_name_that_models_lacks_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"openai\.models.*ChatCompletoin"):
        models.ChatCompletoin  # type: ignore[attr-defined] # noqa: B018 - reading it is the test
    assert not hasattr(models, "ChatCompletoin")


def test_views_can_be_pickled_and_copied_wherever_they_live() -> None:
    made = models.ChatCompletion({"id": "1", "choices": [{"index": 0}]})
    for again in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made)):  # noqa: S301 - our own bytes
        assert again == made
        assert type(again.choices[0]) is models.Choice


def test_a_resource_is_made_once_and_listed_before() -> None:
    with OpenAI(api_key="k") as client:
        assert {"chat", "responses", "files"} <= set(dir(client))
        assert hasattr(client, "vector_stores")
        assert client.chat.completions is client.chat.completions
        assert type(client.chat).__module__ == f"{openai.__name__}.resources.chat"
