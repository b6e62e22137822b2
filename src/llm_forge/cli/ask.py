"""`llm-forge ask`."""

from __future__ import annotations

import sys
from typing import Any

from ..core.errors import ConfigError, ForgeError
from ..unified import LanguageModel, get_llm
from .failure import Failure


def run_ask(prompt: str, model: str, *, stream: bool, max_tokens: int | None, timeout: float | None) -> None:
    """Print a model's answer; what arrived of an interrupted one is printed before the error."""
    text = sys.stdin.read() if prompt == "-" else prompt
    if not text.strip():
        raise Failure("The prompt is empty; give it as an argument, or - and standard input", 2)
    parameters = {} if max_tokens is None else {"max_tokens": max_tokens}
    try:
        with get_llm(model, **({} if timeout is None else {"timeout": timeout})) as llm:
            _print_answer(llm, text, parameters, stream=stream)
    except ForgeError as error:
        raise Failure(_described(error), 2 if isinstance(error, ConfigError) else 1) from error


def _print_answer(llm: LanguageModel, prompt: str, parameters: dict[str, Any], *, stream: bool) -> None:
    if not stream:
        print(llm.invoke(prompt, **parameters).text)
        return
    try:
        for piece in llm.stream(prompt, **parameters):
            print(piece.text, end="", flush=True)
    finally:
        print()


def _described(error: ForgeError) -> str:
    if isinstance(error, ConfigError):
        return error.message
    known = {
        "status": error.status,
        "request": error.request_id,
        "the server asks to wait": f"{error.retry_after:g} s" if error.retry_after else None,
    }
    facts = ", ".join(f"{name} {value}" for name, value in known.items() if value)
    return f"{error.kind}: {error.message}{f' ({facts})' if facts else ''}"
