"""`llm-forge`: ask a model, run the simulator, generate SDKs, check conformance.

Commands load what they need when they run, so that `--help` and `--version` are instant.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import Exit, TyperException

from ..core.version import VERSION
from .batch_commands import batch_app
from .failure import Failure

app = typer.Typer(
    name="llm-forge",
    help="Call large language models reliably, and generate clients that do, from one description.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(batch_app, name="batch")


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


@app.command()
def ask(
    prompt: Annotated[str, typer.Argument(help="What to ask; - reads it from standard input.")],
    model: Annotated[
        str, typer.Option("--model", "-m", help="provider/model, for instance anthropic/claude-sonnet-4-5.")
    ],
    stream: Annotated[bool, typer.Option("--stream", help="Print the answer as it arrives.")] = False,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", min=1, help="The longest answer, in tokens.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", help="Seconds the whole call may take.")
    ] = None,
) -> None:
    """Ask a model and print its answer.

    The key comes from the provider's own variable (ANTHROPIC_API_KEY, OPENAI_API_KEY, ...); with
    `llm-forge simulate` running and its variables exported, no key or network is needed.
    """
    from .ask import run_ask

    run_ask(prompt, model, stream=stream, max_tokens=max_tokens, timeout=timeout)


@app.command()
def simulate(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same answers.")] = 0,
    faults: Annotated[
        Path | None, typer.Option(help="YAML or JSON file of faults to inject; see docs/simulator.md.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the variables to export as one JSON object.")
    ] = False,
) -> None:
    """Serve all providers on this machine: no key, no network, the wire as the real ones have it.

    Prints the variables that point the vendors' own clients, and ours, at it; Ctrl-C ends it.
    """
    from .simulate import run_simulate

    run_simulate(port, seed, faults, as_json=as_json)


@app.command()
def generate(
    source: Annotated[str, typer.Argument(help="A provider's name, a description, or any OpenAPI file.")],
    lang: Annotated[
        list[str], typer.Option("--lang", help="Target language; repeat it, or separate with commas.")
    ],
    out: Annotated[
        Path, typer.Option("--out", help="Output folder; with several languages, one below it for each.")
    ],
    forge: Annotated[
        Path | None, typer.Option("--forge", help="A forge file: x-forge keys for an OpenAPI file.")
    ] = None,
    package: Annotated[
        str | None,
        typer.Option("--package", metavar="NAME", help="Import name of the SDK, such as acme_sdk."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write into a folder that holds other files.")
    ] = False,
) -> None:
    """Generate an SDK from a description.

    For instance: llm-forge generate anthropic --lang python --out sdk
    """
    from .generate import run_generate

    run_generate(source, lang, out, forge=forge, package=package, force=force)


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
    """Run the corpora and scenarios against a language's client and print one result table."""
    from .conformance import run_conformance

    run_conformance(lang, only or [], column or [], list_cases=list_cases, as_json=as_json, write=write)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; errors are lines on standard error and an exit code, never a traceback."""
    try:
        code = app(args=list(arguments) if arguments is not None else None, standalone_mode=False)
    except TyperException as error:
        _fail(_usage_lines(error), error.exit_code)
    except Failure as error:
        _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)
    sys.exit(code if isinstance(code, int) else 0)


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
