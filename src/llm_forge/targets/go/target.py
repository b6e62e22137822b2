"""The Go target: generated faces over a byte copy of the package `forge`."""

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
from .names import package_name
from .package_writer import (
    RUNTIME_MODULE,
    runtime_files,
    write_doc,
    write_example,
    write_mod,
    write_readme,
)
from .plan import plan
from .service_writer import write_service
from .tests_writer import write_tests
from .types_writer import write_types
from .view import Alias, Declaration, Enum, Method, Service, Struct, UnionType, View

_MODULE = re.compile(r"[a-z0-9][a-zA-Z0-9._~-]*(?:/[a-zA-Z0-9._~-]+)*\Z")
_NAME = re.compile(r"[A-Z]\w*")


class GoTarget:
    """Go 1.22 and later, with the standard library only."""

    def files(self, api: Api, options: Options) -> Mapping[str, str | bytes]:
        """A whole module: client, runtime, tests, an example."""
        view = _view(api, options)
        vendored = options.runtime == "vendored"
        found: dict[str, str | bytes] = dict(face_files(view))
        found |= {
            "go.mod": write_mod(view, version(), vendored=vendored),
            "README.md": write_readme(view),
            "LICENSE": license_text(),
            "examples/quickstart/main.go": write_example(view),
        }
        found |= write_tests(view)
        if vendored:
            found |= {f"forge/{name}": content for name, content in runtime_files()}
        return dict(sorted(found.items()))

    def faces(self, api: Api) -> Mapping[str, str]:
        """The package that is made from the description alone."""
        return face_files(_view(api, Options()))

    def left_out(self, api: Api) -> tuple[Notice, ...]:
        """One notice for each operation of the tree that the SDK lacks."""
        return support.left_out(api)

    def notices(self, api: Api) -> tuple[Notice, ...]:
        """Operations that the SDK lacks, then those that have no pages though the description says so."""
        return support.left_out(api) + support.unpaged(api)


def _view(api: Api, options: Options) -> View:
    package = options.package or package_name(api.provider)
    if package_name(package) != package:
        raise OptionError(f"{package!r} is no Go package name; try {package_name(package)}")
    module = options.name or f"llm-forge.example/{package}"
    if not _MODULE.match(module) or ".." in module:
        raise OptionError(f"{module!r} is no Go module path, such as example.com/{package}")
    vendored = options.runtime == "vendored"
    return plan(api, version(), package, module, f"{module}/forge" if vendored else RUNTIME_MODULE)


def face_files(view: View) -> dict[str, str]:
    """The generated files of the package."""
    found = {
        "doc.go": write_doc(view),
        "client.go": write_client(view),
        "profile.go": write_profile(view),
    }
    found |= {f"{one.file}_service.go": write_service(view, one) for one in view.services}
    return found | {name: write_types(view, listed) for name, listed in _type_files(view).items()}


def _type_files(view: View) -> dict[str, list[Declaration]]:
    """The types by file: those that one top-level service alone needs, and those of several."""
    declared = {one.name for one in view.types}
    needs: dict[str, set[str]] = {one.name: _names_in(one) & declared for one in view.types}
    roots = dict(_roots(view))
    found: dict[str, list[Declaration]] = {}
    home = homes(needs, roots)
    for one in view.types:
        place = home[one.name]
        found.setdefault("types.go" if place == COMMON else f"{place}_types.go", []).append(one)
    return found


def _roots(view: View) -> Iterator[tuple[str, set[str]]]:
    by_type = {one.name: one for one in view.services}

    def below(one: Service) -> Iterator[Service]:
        yield one
        for _, child in one.children:
            yield from below(by_type[child])

    yield "client", {name for method in view.root.methods for name in _NAME.findall(_types_of(method))}
    for _, child in view.root.children:
        top = by_type[child]
        yield (
            top.file,
            {
                name
                for one in below(top)
                for method in one.methods
                for name in _NAME.findall(_types_of(method))
            },
        )


def _types_of(method: Method) -> str:
    given = (method.body, method.result, method.item, method.event, method.collected)
    return " ".join([*given, *(one.type for one in (*method.fields, *method.path))])


def _names_in(one: Declaration) -> set[str]:
    """The type names that a declaration mentions."""
    match one:
        case Struct():
            text = " ".join(field.type for field in one.fields)
        case UnionType():
            text = " ".join(member.type for member in one.members)
        case Alias():
            text = one.type
        case Enum():
            text = ""
    return set(_NAME.findall(text))
