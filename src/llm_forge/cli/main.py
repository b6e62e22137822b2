"""`llm-forge`: ask a model, run the simulator, generate SDKs, check conformance.

Rules of this file:
- Commands load what they need when they run, so that `--help` and `--version` are instant.
- `ask` is the default: a first argument with white space in it, and the options of `ask`, need no command. A
  single word never is a prompt, so that a misspelt command costs nothing.
- Exit codes: 0 done, 1 a call failed or a check found something, 2 the command line, a file or the
  configuration is wrong, 3 a batch has items without an answer, 130 interrupted, 141 the reader went away.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import Exit, TyperException

from ..core.version import VERSION
from .batch_commands import batch_app
from .failure import Failure
from .settings_commands import config_app, keys_app, models_app

app = typer.Typer(
    name="llm-forge",
    help="Call large language models reliably, and generate clients that do, from one description.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # boxes would take half of the time that --help takes
    context_settings={"max_content_width": 110},
)

app.add_typer(batch_app, name="batch")
app.add_typer(models_app, name="models")
app.add_typer(keys_app, name="keys")
app.add_typer(config_app, name="config")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"llm-forge {VERSION}")
        raise Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Call large language models reliably, and generate clients that do, from one description."""


Model = Annotated[
    str | None,
    typer.Option("--model", "-m", help="provider/model, an alias, or the configuration's default_model."),
]
System = Annotated[str | None, typer.Option("--system", "-s", help="Instructions for the model.")]


@app.command()
def ask(
    prompt: Annotated[
        str | None, typer.Argument(help="What to ask; - reads it from standard input.", show_default=False)
    ] = None,
    model: Model = None,
    system: System = None,
    file: Annotated[
        list[Path] | None, typer.Option("--file", "-f", help="An image, a PDF or a text to send along.")
    ] = None,
    schema: Annotated[
        str | None, typer.Option("--schema", help="JSON schema of the answer: a file, or the JSON itself.")
    ] = None,
    tool: Annotated[
        list[Path] | None, typer.Option("--tool", help="JSON file of tools; calls are printed, not run.")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", help="A parameter as NAME=VALUE, such as seed=7.")
    ] = None,
    stream: Annotated[bool, typer.Option("--stream", help="Print the answer as it arrives.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole reply as JSON.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write to a file, which appears whole or not at all.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", min=1, help="The longest answer, in tokens.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", help="Seconds the whole call may take.")
    ] = None,
) -> None:
    """Ask a model and print its answer; the default command.

    The key comes from the provider's own variable (ANTHROPIC_API_KEY, OPENAI_API_KEY, ...), the
    configuration, or `llm-forge keys`; with `llm-forge simulate` running and its variables exported, no key
    or network is needed.
    """
    from .ask import Question, run_ask

    question = Question(
        prompt, model, system, file or [], schema, tool or [], param or [], max_tokens, timeout
    )
    run_ask(question, stream=stream, as_json=as_json, out=out)


@app.command()
def chat(model: Model = None, system: System = None) -> None:
    """Talk to a model, line by line."""
    from .chat import run_chat

    run_chat(model, system)


@app.command()
def doctor(
    providers: Annotated[
        list[str] | None, typer.Argument(help="Providers to look at; all by default.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check keys, reachability, clocks, proxies and versions."""
    from .doctor import run_doctor

    run_doctor(providers or [], as_json=as_json)


@app.command()
def simulate(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same answers.")] = 0,
    faults: Annotated[
        Path | None, typer.Option(help="YAML or JSON file of faults to inject; see docs/simulator.md.")
    ] = None,
    wire: Annotated[
        list[Path] | None,
        typer.Option(help="Wire cases of an SDK to serve too; see docs/wire-cases.md. Repeatable."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the variables to export as one JSON object.")
    ] = False,
) -> None:
    """Serve all providers on this machine: no key, no network.

    The wire is as the real ones have it. Prints the variables that point the vendors' own clients, and ours,
    at it; Ctrl-C ends it.
    """
    from .simulate import run_simulate

    run_simulate(port, seed, faults, wire or [], as_json=as_json)


class RuntimeChoice(StrEnum):
    """Where the runtime of an SDK comes from."""

    VENDORED = "vendored"
    DEPENDENCY = "dependency"


class Diagnostics(StrEnum):
    """How notices and errors of a command are printed."""

    TEXT = "text"
    JSON = "json"


SourceName = Annotated[str, typer.Argument(help="A provider's name, a description, or any OpenAPI file.")]
Forge = Annotated[
    Path | None, typer.Option("--forge", help="A forge file: x-forge keys for an OpenAPI file.")
]
Overlays = Annotated[
    list[Path] | None,
    typer.Option("--overlay", help="An OpenAPI Overlay document; repeat it for several, in order."),
]
AllowRemote = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-remote", metavar="ORIGIN", help="A host that $refs may lead to over https; repeatable."
    ),
]


@app.command()
def inspect(
    source: SourceName,
    forge: Forge = None,
    overlay: Overlays = None,
    allow_remote: AllowRemote = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Show what is understood of a description.

    That is operations, streams, repairs and guesses.

    For instance: llm-forge inspect openapi.yaml
    """
    from .descriptions import Source
    from .inspect import run_inspect

    run_inspect(Source(source, forge, overlay or [], allow_remote or []), as_json=as_json)


@app.command()
def init(
    source: SourceName,
    forge: Forge = None,
    overlay: Overlays = None,
    allow_remote: AllowRemote = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The file to write, - for standard output; default: PROVIDER.forge.yaml."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write a forge file to start from.

    It has each guess about a description as a line to make certain or change.

    For instance: llm-forge init openapi.yaml
    """
    from .descriptions import Source
    from .inspect import run_init

    run_init(Source(source, forge, overlay or [], allow_remote or []), out, force=force)


@app.command()
def generate(
    source: SourceName,
    lang: Annotated[
        list[str], typer.Option("--lang", help="Target language; repeat it, or separate with commas.")
    ],
    out: Annotated[
        Path, typer.Option("--out", help="Output folder; with several languages, one below it for each.")
    ],
    forge: Forge = None,
    overlay: Overlays = None,
    allow_remote: AllowRemote = None,
    name: Annotated[
        str | None, typer.Option("--name", help="What the SDK is called where it is published.")
    ] = None,
    package: Annotated[
        str | None,
        typer.Option("--package", metavar="NAME", help="Import name of the SDK, such as acme_sdk."),
    ] = None,
    runtime: Annotated[
        RuntimeChoice,
        typer.Option("--runtime", help="vendored: copied into the SDK; dependency: a package it needs."),
    ] = RuntimeChoice.VENDORED,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if a file would change.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Write beside other files, and over generated ones that were edited."),
    ] = False,
    diagnostics: Annotated[
        Diagnostics, typer.Option("--diagnostics", help="Print notices and errors as text or JSON.")
    ] = Diagnostics.TEXT,
) -> None:
    """Generate an SDK from a description.

    For instance: llm-forge generate anthropic --lang python --out sdk
    """
    from ..targets import Options
    from .descriptions import Source
    from .generate import Wanted, run_generate

    wanted = Wanted(
        Source(source, forge, overlay or [], allow_remote or []),
        lang,
        out,
        Options(package, name, runtime.value),
        check=check,
        force=force,
    )
    run_generate(wanted, as_json=diagnostics is Diagnostics.JSON)


@app.command()
def conformance(
    lang: Annotated[str, typer.Option("--lang", help="Language whose driver takes part.")] = "python",
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Case ids or patterns, such as 'RT-*'; repeatable.")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option("--column", help="Driver modes, such as sync/curl; repeatable.")
    ] = None,
    list_cases: Annotated[bool, typer.Option("--list", help="List the cases and stop.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Write the table to docs/conformance.md.")] = False,
) -> None:
    """Run the corpora and scenarios against a client."""
    from .conformance import run_conformance

    run_conformance(lang, only or [], column or [], list_cases=list_cases, as_json=as_json, write=write)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; errors are lines on standard error and an exit code, never a traceback."""
    try:
        code = app(
            args=_with_command(sys.argv[1:] if arguments is None else arguments), standalone_mode=False
        )
    except TyperException as error:
        _fail(_usage_lines(error), error.exit_code)
    except Failure as error:
        _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)
    sys.exit(code if isinstance(code, int) else 0)


_OWN_OPTIONS = frozenset({"--help", "--version", "--install-completion", "--show-completion"})


def _with_command(arguments: Sequence[str]) -> list[str]:
    """The arguments, with `ask` before those that name no command."""
    first = arguments[0] if arguments else ""
    is_prompt = any(letter.isspace() for letter in first) or first == "-"
    is_option = first.startswith("-") and first != "-" and first not in _OWN_OPTIONS
    return ["ask", *arguments] if is_prompt or is_option else list(arguments)


def _usage_lines(error: TyperException) -> str:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "llm-forge"
    return f"{error.format_message()}\nTry '{command} --help' for what there is."


def _fail(message: str, code: int) -> None:
    lines = message.splitlines()[:3]
    print(f"error: {chr(10).join(lines)}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
