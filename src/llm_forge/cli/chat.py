"""`llm-forge chat`: a conversation, line by line."""

from __future__ import annotations

import sys
from typing import Any

from ..core.errors import ForgeError
from ..unified import LanguageModel, get_llm
from .failure import described, failing

HELP = "/clear forgets the conversation, /exit or Ctrl-D ends it, Ctrl-C stops an answer"


def run_chat(model: str | None, system: str | None) -> None:
    """Talk until the input ends; an answer that fails is told and its question forgotten."""
    with failing(), get_llm(model) as llm:
        if sys.stdin.isatty():
            print(f"{llm.name}; {HELP}", file=sys.stderr)
        _talk(llm, {} if system is None else {"system": system})


def _talk(llm: LanguageModel, parameters: dict[str, Any]) -> None:
    history: list[Any] = []
    while (line := _line()) is not None:
        match line.strip():
            case "":
                continue
            case "/exit" | "/quit":
                return
            case "/clear":
                history.clear()
            case "/help":
                print(HELP)
            case question:
                _answer(llm, history, question, parameters)


def _line() -> str | None:
    """The next line; None at the end."""
    if sys.stdin.isatty():
        try:
            return input("> ")
        except EOFError:
            print()
            return None
    return sys.stdin.readline() or None


def _answer(llm: LanguageModel, history: list[Any], question: str, parameters: dict[str, Any]) -> None:
    stream = llm.stream([*history, question], **parameters)
    try:
        for piece in stream:
            print(piece.text, end="", flush=True)
        history += [question, stream.reply()]
    except KeyboardInterrupt:
        print(" (stopped)", end="")
    except ForgeError as error:
        print(f"\nerror: {described(error)}", file=sys.stderr, end="")
    finally:
        stream.close()
        print(flush=True)
