"""`llm-forge ask`: one question, its answer on standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import ConfigError
from ..runtime.files import AtomicFile
from ..unified import LanguageModel, Message, Reply, ReplyStream, get_llm
from ..unified.messages import file, image, user
from .failure import WRONG, Failure, failing

IMAGES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp"})
DOCUMENTS = frozenset({".pdf"})


@dataclass(frozen=True, slots=True)
class Question:
    """What the command line asks for."""

    prompt: str | None
    model: str | None = None
    system: str | None = None
    files: Sequence[Path] = ()
    schema: str | None = None
    tools: Sequence[Path] = ()
    parameters: Sequence[str] = ()
    max_tokens: int | None = None
    timeout: float | None = None


def run_ask(question: Question, *, stream: bool, as_json: bool, out: Path | None) -> None:
    """Print or write a model's answer; what arrived of an interrupted one is printed before the error."""
    message = _message(question)
    with failing(), get_llm(question.model, **_options(question)) as llm:
        parameters = _parameters(question)
        if stream and not as_json and out is None:
            _print_stream(llm.stream([message], **parameters))
        else:
            _give(_asked(llm, message, parameters, stream=stream), as_json=as_json, out=out)


def _asked(llm: LanguageModel, message: Message, parameters: dict[str, Any], *, stream: bool) -> Reply:
    if stream:
        return llm.stream([message], **parameters).reply()
    return llm.invoke([message], **parameters)


def _message(question: Question) -> Message:
    """The prompt, with what is piped in where it is `-` or missing, and the files."""
    text = question.prompt
    if text == "-" or (text is None and not sys.stdin.isatty()):
        text = sys.stdin.read()
    parts = [_part(path) for path in question.files]
    if not (text or "").strip() and not parts:
        raise Failure("The prompt is empty; give it as an argument, or - and standard input", WRONG)
    return user(*parts, *([text] if text else []))


def _part(path: Path) -> Any:
    """An image or a PDF as such, every other file as its text."""
    suffix = path.suffix.lower()
    if suffix in IMAGES | DOCUMENTS:
        with failing():
            return image(path) if suffix in IMAGES else file(path)
    return f"{path.name}:\n{_read(path)}"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}", WRONG) from error
    except UnicodeDecodeError as error:
        raise Failure(f"{path} is not text; of other files, images and PDFs can be sent", WRONG) from error


def _options(question: Question) -> dict[str, Any]:
    return {} if question.timeout is None else {"timeout": question.timeout}


def _parameters(question: Question) -> dict[str, Any]:
    found: dict[str, Any] = {"system": question.system, "max_tokens": question.max_tokens}
    if question.schema is not None:
        path = Path(question.schema)
        inline = question.schema.lstrip().startswith("{")
        found["schema"] = _json(question.schema if inline else _read(path), "--schema")
    if question.tools:
        found["tools"] = [tool for path in question.tools for tool in _listed(_json(_read(path), str(path)))]
    for one in question.parameters:
        name, equals, value = one.partition("=")
        if not equals:
            raise Failure(f"--param {one!r} must be NAME=VALUE", WRONG)
        found[name] = _value(value)
    return {name: value for name, value in found.items() if value is not None}


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Failure(f"{name} is not JSON: {error}", WRONG) from error


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _value(text: str) -> Any:
    """JSON where it is some, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _print_stream(stream: ReplyStream) -> None:
    with closing(stream):
        try:
            for piece in stream:
                print(piece.text, end="", flush=True)
        finally:
            print()
        _print_calls(stream.reply())


def _give(reply: Reply, *, as_json: bool, out: Path | None) -> None:
    text = json.dumps(reply.to_dict(), ensure_ascii=False) if as_json else reply.text
    if out is not None:
        _write(out, text)
    elif text or not reply.tool_calls:
        print(text)
    if not as_json:
        _print_calls(reply)


def _print_calls(reply: Reply) -> None:
    """The calls that the model asks for, a line of JSON each."""
    for call in reply.tool_calls:
        print(json.dumps({"id": call.id, "name": call.name, "arguments": call.arguments}, ensure_ascii=False))


def _write(path: Path, text: str) -> None:
    try:
        target = AtomicFile(path)
        try:
            target.write(f"{text}\n".encode())
            target.commit()
        finally:
            target.discard()
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from None
