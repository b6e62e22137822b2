"""Mistral's reading of documents and writing down of recordings; neither is looked at or listened to.

A kept text file is read as it is, its pages parted by form feeds; any other document has two made-up pages.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ...forms import FormFile
from ...problems import Failure, Problem
from ...schema_values import Evidence, value_for
from ...script import Reply
from ...text import answer_text, count, tokens
from ..provider import Handler, Json, Produced, Turn, checked_schema, compact
from .mistral_files import MistralFiles

_WORD_SECONDS = 0.4
_SEGMENT_WORDS = 8
_MADE_UP_PAGES = 2
_BOX = {"top_left_x": 90, "top_left_y": 98, "bottom_right_x": 702, "bottom_right_y": 912}
_BLOCK_KINDS = (("# ", "title"), ("- ", "list"), ("| ", "table"), ("```", "code"))


class MistralMedia:
    """The operations; documents and recordings may be kept files."""

    def __init__(self, files: MistralFiles, check_model: Callable[[str], None]) -> None:
        self._files = files
        self._check_model = check_model

    def handlers(self) -> Mapping[str, Handler]:
        """Its operations."""
        return {"ocr.process": self._read, "audio.transcriptions.complete": self._heard}

    def _read(self, turn: Turn) -> Produced:
        self._check_model(turn.model)
        texts, size = self._pages(turn)
        wanted = _wanted(turn.body.get("pages"), len(texts))
        body = {
            "pages": [_page(at, texts[at]) for at in wanted],
            "model": turn.model,
            "document_annotation": _annotation(turn.body, "\n".join(texts)),
            "usage_info": {"pages_processed": len(wanted), "doc_size_bytes": size},
        }
        return Produced(Reply(json=body))

    def _pages(self, turn: Turn) -> tuple[list[str], int | None]:
        """The text of each page of the document, and its length if it was kept."""
        document = turn.body["document"]
        if "file_id" in document:
            content = self._files.get(turn, document["file_id"]).content
            if _is_text(content):
                return content.decode().split("\f"), len(content)
            return _made_up(turn, document["file_id"]), len(content)
        image = document.get("image_url")
        name = document.get("document_url") or (image["url"] if isinstance(image, Mapping) else image)
        return _made_up(turn, str(name))[: 1 if image else None], None

    def _heard(self, turn: Turn) -> Produced:
        self._check_model(turn.model)
        text = answer_text(turn.seed, f"the recording {self._recording(turn)}")
        segments = list(_segments(text, diarize=_is_true(turn.body.get("diarize"))))
        seconds = round(len(text.split()) * _WORD_SECONDS)
        read, said = seconds * 10, count(text)
        counts = {"prompt_tokens": read, "completion_tokens": said, "total_tokens": read + said}
        whole: Json = {
            "model": turn.model,
            "text": text,
            "language": turn.body.get("language") or "en",
            "segments": segments if turn.body.get("timestamp_granularities") else [],
            "usage": {"prompt_audio_seconds": seconds, **counts},
        }
        streamed = _is_true(turn.body.get("stream"))
        reply = Reply(events=list(_events(whole))) if streamed else Reply(json=whole)
        return Produced(reply, read, said)

    def _recording(self, turn: Turn) -> str:
        """A name of the recording, whichever way it was given."""
        file, kept, url = (turn.body.get(name) for name in ("file", "file_id", "file_url"))
        if isinstance(file, FormFile):
            return file.name
        if kept:
            return str(self._files.get(turn, kept).shown["filename"])
        if not url:
            raise Failure("invalid", problems=(Problem("missing", ("file",)),))
        return str(url)


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"


def _is_text(content: bytes) -> bool:
    try:
        return content.decode().replace("\f", "\n").replace("\n", "").isprintable()
    except UnicodeDecodeError:
        return False


def _made_up(turn: Turn, name: str) -> list[str]:
    return [
        f"# Page {at + 1}\n\n" + answer_text(turn.seed, f"page {at + 1} of the document {name}")
        for at in range(_MADE_UP_PAGES)
    ]


def _wanted(asked: str | Sequence[int] | None, number: int) -> list[int]:
    """The pages of a list, or of a text such as `0-2,5`, that there are."""
    if asked is None:
        return list(range(number))
    found: list[int] = []
    for part in asked.split(",") if isinstance(asked, str) else map(str, asked):
        first, _, last = part.strip().partition("-")
        if not first.isdecimal() or (last and not last.isdecimal()):
            raise Failure("invalid", problems=(Problem("value", ("pages",), "numbers of pages", part),))
        found += range(int(first), int(last or first) + 1)
    return [at for at in found if at < number]


def _page(index: int, text: str) -> Json:
    return {
        "index": index,
        "markdown": text,
        "images": [],
        "tables": [],
        "hyperlinks": [],
        "header": None,
        "footer": None,
        "dimensions": {"dpi": 93, "height": 1023, "width": 791},
        "confidence_scores": None,
        "blocks": [_block(part) for part in text.split("\n\n") if part.strip()],
    }


def _block(text: str) -> Json:
    kind = next((kind for mark, kind in _BLOCK_KINDS if text.startswith(mark)), "text")
    return {**_BOX, "content": text, "confidence_scores": None, "type": kind}


def _annotation(body: Mapping[str, Any], text: str) -> str | None:
    """The document described by the schema that was asked for, as JSON text."""
    wanted = body.get("document_annotation_format") or {}
    schema = (wanted.get("json_schema") or {}).get("schema")
    checked = checked_schema(schema, "document_annotation_format", "json_schema", "schema")
    return None if checked is None else json.dumps(value_for(checked, Evidence(text)), ensure_ascii=False)


def _segments(text: str, *, diarize: bool) -> Iterator[Json]:
    words = text.split(" ")
    for start in range(0, len(words), _SEGMENT_WORDS):
        part = words[start : start + _SEGMENT_WORDS]
        begun, ended = start * _WORD_SECONDS, (start + len(part)) * _WORD_SECONDS
        speaker = f"speaker_{start // _SEGMENT_WORDS % 2 + 1}" if diarize else None
        said = {"text": " ".join(part), "start": round(begun, 2), "end": round(ended, 2)}
        yield {"type": "transcription_segment", **said, "score": None, "speaker_id": speaker}


def _events(whole: Json) -> Iterator[str]:
    yield _event("transcription.language", audio_language=whole["language"])
    if whole["segments"]:
        for one in whole["segments"]:
            told = {name: one[name] for name in ("text", "start", "end", "speaker_id")}
            yield _event("transcription.segment", **told)
    else:
        for token in tokens(whole["text"]):
            yield _event("transcription.text.delta", text=token)
    yield _event("transcription.done", **whole)


def _event(kind: str, **fields: Any) -> str:
    return f"event: {kind}\ndata: {compact({'type': kind, **fields})}\n\n"
