"""The TypeScript target: generated faces over a byte copy of the runtime's source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...spec.errors import Notice
from ...spec.ir import Api
from .. import support
from ..protocol import Options
from ..version import version
from .client_writer import write_client, write_index, write_profile
from .models_writer import write_models, write_shapes
from .package_writer import RUNTIME, RUNTIME_PACKAGE, write_package
from .plan import plan
from .resource_writer import write_resource
from .tests_writer import write_tests
from .view import View


class TypeScriptTarget:
    """TypeScript 5 and later, run by Node 20 and later, browsers, Deno and Bun."""

    def files(self, api: Api, options: Options) -> Mapping[str, str | bytes]:
        """A stand-alone SDK with its own package.json, README, examples, tests and runtime."""
        view = plan(api, version())
        found: dict[str, str | bytes] = dict(write_package(view, options))
        found |= {f"src/{name}": source for name, source in face_files(view).items()}
        found |= {f"tests/{name}": source for name, source in write_tests(view).items()}
        runtime = runtime_files() if options.runtime == "vendored" else _dependency()
        found |= {f"src/runtime/{path}": content for path, content in runtime}
        return dict(sorted(found.items()))

    def faces(self, api: Api) -> Mapping[str, str]:
        """What the description alone makes: the files of src/ without the runtime."""
        return face_files(plan(api, version()))

    def left_out(self, api: Api) -> tuple[Notice, ...]:
        """One notice for each operation of the tree that the SDK lacks."""
        return support.left_out(api)

    def notices(self, api: Api) -> tuple[Notice, ...]:
        """Operations that the SDK lacks, then those that have no pages though the description says so."""
        return support.left_out(api) + support.unpaged(api)


def face_files(view: View) -> dict[str, str]:
    """The generated modules of src/."""
    found = {
        "client.ts": write_client(view),
        "index.ts": write_index(view),
        "profile.ts": write_profile(view),
    }
    found |= {f"models/{name}": source for name, source in write_models(view).items()}
    found |= {f"shapes/{name}": source for name, source in write_shapes(view).items()}
    return found | {f"resources/{one.module}.ts": write_resource(view, one) for one in view.resources}


def runtime_files() -> Iterator[tuple[str, bytes]]:
    """The source of the runtime, byte for byte, by its path."""
    source = RUNTIME / "src"
    for path in sorted(source.rglob("*.ts")):
        yield path.relative_to(source).as_posix(), path.read_bytes()


def _dependency() -> Iterator[tuple[str, str]]:
    """Modules that stand for the runtime where it is a package that the SDK depends on."""
    yield "index.ts", f'export * from "{RUNTIME_PACKAGE}";\n'
    yield "node/index.ts", f'export * from "{RUNTIME_PACKAGE}/node";\n'
