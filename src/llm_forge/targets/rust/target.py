"""The Rust target: generated faces over a byte copy of the runtime."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ...spec.errors import Notice
from ...spec.ir import Api
from .. import support
from ..homes import COMMON, homes
from ..protocol import OptionError, Options
from ..version import license_text, version
from .client_writer import write_client, write_profile
from .names import MODULE_SCOPE, Names, crate_name
from .operation_writer import write_operations
from .package_writer import (
    runtime_files,
    rustfmt_settings,
    support_files,
    write_example,
    write_lib,
    write_manifest,
    write_readme,
    write_services_index,
)
from .plan import plan
from .service_writer import write_service
from .tests_writer import write_tests
from .types_writer import names_in, write_types, write_types_index
from .view import Declaration, Method, Service, View

_NAME = re.compile(r"[A-Z]\w*")


class RustTarget:
    """Rust 2021, asynchronous over tokio."""

    def files(self, api: Api, options: Options) -> Mapping[str, str | bytes]:
        """A whole crate: client, runtime, tests, an example."""
        view = _view(api, options)
        vendored = options.runtime == "vendored"
        found: dict[str, str | bytes] = dict(face_files(view))
        found |= {
            ".gitignore": "/target\nCargo.lock\n",
            "Cargo.toml": write_manifest(view, version(), vendored=vendored),
            "README.md": write_readme(view),
            "LICENSE": license_text(),
            "rustfmt.toml": rustfmt_settings(),
            "examples/quickstart.rs": write_example(view),
            "src/lib.rs": write_lib(view, vendored=vendored),
        }
        found |= write_tests(view)
        found |= {f"src/support/{name}": content for name, content in support_files()}
        if vendored:
            found |= {f"src/runtime/{name}": content for name, content in runtime_files()}
        return dict(sorted(found.items()))

    def faces(self, api: Api) -> Mapping[str, str]:
        """The modules that are made from the description alone."""
        return face_files(_view(api, Options()))

    def left_out(self, api: Api) -> tuple[Notice, ...]:
        """One notice for each operation of the tree that the SDK lacks."""
        return support.left_out(api)

    def notices(self, api: Api) -> tuple[Notice, ...]:
        """Operations that the SDK lacks, then those that have no pages though the description says so."""
        return support.left_out(api) + support.unpaged(api)


def _view(api: Api, options: Options) -> View:
    crate = options.name or options.package or crate_name(api.provider)
    if crate_name(crate) != crate.replace("_", "-"):
        raise OptionError(f"{crate!r} is no name of a Rust crate; try {crate_name(crate)}")
    if options.package and options.package.replace("_", "-") != crate.replace("_", "-"):
        raise OptionError(f"a crate is imported by its name: {options.package!r} is not {crate!r}")
    return plan(api, version(), crate)


def face_files(view: View) -> dict[str, str]:
    """The generated files of the crate."""
    found = {
        "src/client.rs": write_client(view),
        "src/operations.rs": write_operations(view),
        "src/profile.rs": write_profile(view),
    }
    services = view.services()
    found |= {f"src/services/{one.module}.rs": write_service(view, one) for one in services}
    if services:
        found["src/services/mod.rs"] = write_services_index(view)
    return found | _type_files(view)


def _type_files(view: View) -> dict[str, str]:
    """The types by file: those that one top-level service alone needs, and those of several."""
    declared = {one.name for one in view.types}
    needs: dict[str, set[str]] = {one.name: names_in(one) & declared for one in view.types}
    modules = _modules(view)
    found: dict[str, list[Declaration]] = {}
    home = {name: modules[place] for name, place in homes(needs, dict(_roots(view))).items()}
    for one in view.types:
        found.setdefault(home[one.name], []).append(one)
    files = {f"src/types/{name}.rs": write_types(view, name, listed, home) for name, listed in found.items()}
    return files | {"src/types/mod.rs": write_types_index(view, sorted(found))}


def _modules(view: View) -> dict[str, str]:
    names = Names(MODULE_SCOPE)
    tops = {str(child.module): str(names.module(child.module)) for _, child in view.root.children}
    return {**tops, _CLIENT: str(names.module(_CLIENT)), COMMON: COMMON}


_CLIENT = "client"


def _roots(view: View) -> Iterator[tuple[str, set[str]]]:
    def named(one: Service) -> Iterator[str]:
        for method in one.methods:
            yield from _NAME.findall(_types_of(method))
        for _, child in one.children:
            yield from named(child)

    yield _CLIENT, {name for method in view.root.methods for name in _NAME.findall(_types_of(method))}
    for _, child in view.root.children:
        yield str(child.module), set(named(child))


def _types_of(method: Method) -> str:
    given = (method.body, method.result, method.item, method.event, method.collected, method.params or "")
    return " ".join([*given, *(one.type for one in (*method.fields, *method.path))])
