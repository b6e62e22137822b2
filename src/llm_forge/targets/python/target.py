"""The Python target: generated faces over a copy of core and runtime, or over the package that has them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ...spec.errors import Notice
from ...spec.ir import Api
from .. import support
from ..protocol import Options
from ..version import ROOT, license_text, version
from .client_writer import write_client
from .init_writer import write_init, write_resources
from .models_writer import write_models
from .package_writer import write_package
from .params_writer import write_params
from .plan import plan
from .profile_writer import write_profile
from .resource_writer import write_resource
from .view import View

COPIED = ("core", "runtime")
_RELATIVE = re.compile(rf"^( *)from \.{{2,}}({'|'.join(COPIED)})(?=\.[\w.]+ import )", re.MULTILINE)
_NOT_COPIED = frozenset({"__pycache__"})


class PythonTarget:
    """Python 3.11 and later."""

    def files(self, api: Api, options: Options) -> Mapping[str, str | bytes]:
        """An SDK with pyproject.toml, README and tests; it carries its runtime unless it depends on it."""
        view = plan(api, version())
        package, vendored = _package(view, options), options.runtime == "vendored"
        around = write_package(view, package, license_text(), options.name, vendored=vendored)
        found: dict[str, str | bytes] = dict(around)
        for path, content in _runtime_files() if vendored else ():
            found[f"{package}/{path}"] = content
        for name, source in client_files(view).items():
            found[f"{package}/clients/{view.package}/{name}"] = source if vendored else _depending(source)
        return dict(sorted(found.items()))

    def faces(self, api: Api) -> Mapping[str, str]:
        """The client package: what the description alone makes."""
        return client_package(api)[1]

    def left_out(self, api: Api) -> tuple[Notice, ...]:
        """One notice for each operation of the tree that the SDK lacks."""
        return support.left_out(api)

    def notices(self, api: Api) -> tuple[Notice, ...]:
        """Operations that the SDK lacks, then those without the pages that are described."""
        return support.left_out(api) + support.unpaged(api)


def _package(view: View, options: Options) -> str:
    """The import name: as asked, else from the name on PyPI, else from the provider's."""
    if options.package is not None:
        return options.package
    named = re.sub(r"[^a-z0-9]+", "_", (options.name or "").lower()).strip("_")
    return named or f"{view.package}_sdk"


def client_package(api: Api) -> tuple[str, dict[str, str]]:
    """The name and files of one package of clients/."""
    view = plan(api, version())
    return view.package, client_files(view)


def client_files(view: View) -> dict[str, str]:
    """The files of a client package."""
    found = {
        "__init__.py": write_init(view),
        "client.py": write_client(view),
        "params.py": write_params(view),
        "profile.py": write_profile(view),
        "resources/__init__.py": write_resources(view),
    }
    found |= {f"resources/{one.module}.py": write_resource(view, one) for one in view.resources}
    return found | {f"models/{name}": source for name, source in write_models(view).items()}


def _depending(source: str) -> str:
    """A face with the runtime of the package `llm_forge` in place of a copy beside it."""
    return _RELATIVE.sub(r"\1from llm_forge.\2", source)


def _runtime_files() -> Iterator[tuple[str, bytes]]:
    for room in COPIED:
        for path in sorted((ROOT / room).rglob("*.py")):
            if not _NOT_COPIED & set(path.parts):
                yield path.relative_to(ROOT).as_posix(), path.read_bytes()
