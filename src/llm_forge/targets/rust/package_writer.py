"""What makes a crate of the generated files: Cargo.toml, lib.rs, README, licence and an example."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ..text import Comment, code_text, markdown
from .printing import used
from .text import Quoted
from .view import Method, Service, View

HERE = Path(__file__).resolve().parent
RUNTIME = HERE / "runtime"
SUPPORT = HERE / "support"
RUNTIME_CRATE = "llm-forge-runtime"


def runtime_files() -> Iterator[tuple[str, bytes]]:
    """The source of the runtime, byte for byte."""
    for path in sorted((RUNTIME / "src").rglob("*.rs")):
        yield path.relative_to(RUNTIME / "src").as_posix(), path.read_bytes()


def support_files() -> Iterator[tuple[str, str]]:
    """What the generated code stands on beside the runtime."""
    for path in sorted(SUPPORT.glob("*.rs")):
        yield path.name, path.read_text(encoding="utf-8")


def rustfmt_settings() -> str:
    """The settings that the runtime and all that is printed keep to."""
    return (RUNTIME / "rustfmt.toml").read_text(encoding="utf-8")


@cache
def _manifest() -> str:
    return (RUNTIME / "Cargo.toml").read_text(encoding="utf-8")


_OWN = ("futures", "serde", "serde_json", "tokio")
_TESTS = 'tokio = {{ version = "{version}", features = ["rt", "rt-multi-thread", "macros", "time"] }}'


def write_manifest(view: View, version: str, *, vendored: bool) -> str:
    """Cargo.toml, with the versions that the runtime is tested with or compatible ones."""
    pinned = tomllib.loads(_manifest())
    needs = _compatible(_section("dependencies")).splitlines()
    if not vendored:
        needs = [one for one in needs if one.partition(" ")[0] in _OWN[:3]]
        needs.append(f'{RUNTIME_CRATE} = "={version}"')
    tokio = pinned["dependencies"]["tokio"]["version"]
    return "\n".join(
        [
            f"# {view.header}",
            "[package]",
            f"name = {Quoted(view.crate)}",
            'version = "0.1.0"',
            f"edition = {Quoted(pinned['package']['edition'])}",
            f"rust-version = {Quoted(pinned['package']['rust-version'])}",
            f"description = {Quoted(_one_line(view))}",
            'license = "Apache-2.0"',
            "",
            "[dependencies]",
            *sorted(needs),
            "",
            "[dev-dependencies]",
            _compatible(f'base64 = "{pinned["dependencies"]["base64"]}"'),
            _compatible(_TESTS.format(version=tokio)),
            "",
            "[profile.dev]",
            "debug = 0",
            "",
        ]
    )


def _compatible(requirements: str) -> str:
    """Requirements of exact versions as those of versions from there on: `"=1.2.3"` as `"1.2.3"`."""
    return requirements.replace('"=', '"')


def _section(name: str) -> str:
    return _manifest().partition(f"[{name}]\n")[2].partition("\n[")[0].strip()


def _one_line(view: View) -> str:
    return Comment(f"A client of {' '.join((view.api.title or view.api.provider).split())}")


_OFFERED = (
    "CallOptions", "CancellationToken", "ClientBuilder", "ClientOptions", "Error", "Kind", "Result",
    "SecretString", "Timeout",
)  # fmt: skip
_ALLOWED = """\
#![warn(missing_docs)]
// Allowed, with reasons: documentation is the description's, whose words are not ours to put into backticks.
#![allow(clippy::doc_markdown)]
// An optional field that may be null too has three states: absent, null and a value.
#![allow(clippy::option_option)]
// What an operation requires, and in which types, its description says.
#![allow(clippy::too_many_arguments, clippy::fn_params_excessive_bools, clippy::struct_excessive_bools)]
// Names are those of the description.
#![allow(clippy::similar_names, clippy::struct_field_names, clippy::module_name_repetitions)]"""


def write_lib(view: View, *, vendored: bool) -> str:
    """lib.rs."""
    runtime = (
        ['#[path = "runtime/lib.rs"]', "pub mod runtime;"]
        if vendored
        else ["pub use llm_forge_runtime as runtime;"]
    )
    services = ["pub mod services;"] if view.services() else []
    return "\n".join(
        [
            f"// {view.header}",
            *(f"//! {line}" for line in view.title.split("\n")),
            "//!",
            "//! Every method takes its arguments by reference and [`CallOptions`] last; see [`Client`].",
            *_ALLOWED.split("\n"),
            "",
            "mod client;",
            "pub mod operations;",
            "pub mod profile;",
            *(runtime if vendored else []),
            *services,
            "mod support;",
            "pub mod types;",
            "",
            "pub use client::Client;",
            *([] if vendored else runtime),
            *used("runtime", _OFFERED, public=True),
            "pub use support::{MessageStream, Object};",
            "",
        ]
    )


def write_services_index(view: View) -> str:
    """services/mod.rs."""
    found = sorted(view.services(), key=lambda one: one.module)
    return "\n".join(
        [
            f"// {view.header}",
            "//! The groups of operations.",
            "",
            *(f"mod {one.module};" for one in found),
            "",
            *(f"pub use {one.module}::{one.name};" for one in found),
            "",
        ]
    )


_README = """\
# {crate}

A Rust client of {title}, generated by llm-forge.

```toml
[dependencies]
{crate} = "0.1"
```

`examples/quickstart.rs` is a program to begin with.{key}

- Methods take what is in the path, then the body, then the other parameters, and `CallOptions` last.
- Errors are `Error`, an enum with a variant for each class; `error.facts()` has what is known of one.
- Streams are `futures::Stream`s of typed events; `collect_message` reads one to its end.
- Fields that a type does not know stay in its `extra`, members of unions and texts in `Other`.

`cargo test` makes the calls of `tests/wire.json` where `LLM_FORGE_WIRE_URL` names a server of them
(`llm-forge simulate --wire tests/wire.json`).
"""


def write_readme(view: View) -> str:
    """README.md."""
    api = view.api
    key = ""
    if api.env.api_key:
        key = f" The key is taken from `{code_text(api.env.api_key[0])}`, or from `ClientOptions::api_key`."
    title = markdown(Comment(api.title or api.provider))
    return _README.format(crate=view.crate, title=title, key=key)


def write_example(view: View) -> str:
    """A program that makes a client, asks for a list if there is one, and tells errors apart."""
    shown, uses = _shown(view)
    names = ["Client", "Error", *uses]
    return "\n".join(
        [
            f"// {view.header}",
            "//! Makes a client and one call.",
            "",
            *used(view.package, names),
            "",
            '#[tokio::main(flavor = "current_thread")]',
            "async fn main() -> Result<(), Error> {",
            "    let client = Client::from_env()?;",
            "    match run(&client).await {",
            '        Err(Error::RateLimit(facts)) => println!("ask again in {:?} s", facts.retry_after),',
            "        other => other?,",
            "    }",
            "    client.close().await;",
            "    Ok(())",
            "}",
            "",
            "async fn run(client: &Client) -> Result<(), Error> {",
            *shown,
            "    Ok(())",
            "}",
            "",
        ]
    )


def _shown(view: View) -> tuple[list[str], list[str]]:
    found = _first_list(view.root, "client")
    if found is not None:
        path, method = found
        given = "&types::" + method.params + "::default(), " if method.params else ""
        lines = [
            f"    let service = {path};",
            f"    let page = service.{method.name}({given}CallOptions::default()).await?;",
            '    println!("{} items on the first page", page.items.len());',
        ]
        return lines, ["CallOptions", *(["types"] if given else [])]
    lines = [
        "    let answer = client.health_check(CallOptions::default()).await?;",
        '    println!("healthy: {}", answer.is_some());',
    ]
    return lines, ["CallOptions"]


def _first_list(one: Service, path: str) -> tuple[str, Method] | None:
    """The first list that is asked for without arguments, and the service that it stands on."""
    for method in one.methods:
        needs = any(parameter.required for parameter in method.operation.parameters)
        if method.item and not method.path and not method.body and not needs:
            return path, method
    for getter, child in one.children:
        found = _first_list(child, f"{path}.{getter}()")
        if found is not None:
            return found
    return None
