"""Speech, transcripts and images: media that are real files, though nothing is to be heard or seen."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...forms import FormFile
from ...problems import Failure, Problem
from ...script import Reply
from ...text import answer_text, count, tokens
from ..provider import Handler, Json, Produced, Turn, compact

_RATE = 8000
_WORD_SECONDS = 0.4
_TYPES = {
    "mp3": "audio/mpeg", "opus": "audio/ogg", "aac": "audio/aac", "flac": "audio/flac", "wav": "audio/wav",
    "pcm": "audio/pcm", "ogg": "audio/ogg", "mulaw": "audio/basic",
}  # fmt: skip
_TEXT_FORMS = ("text", "srt", "vtt")


class Media:
    """Audio and images; `whole` writes an answer in the provider's layout."""

    def __init__(self, whole: Callable[[Any], Reply], check_model: Callable[[str], None]) -> None:
        self._whole = whole
        self._check_model = check_model

    def handlers(self) -> Mapping[str, Handler]:
        """Its operations."""
        return {
            "audio.speech.create": self._speech,
            "audio.transcriptions.create": lambda turn: self._transcript(turn, "transcribe"),
            "audio.translations.create": lambda turn: self._transcript(turn, "translate"),
            "images.generate": lambda turn: self._images(turn, "image_generation"),
            "images.edit": lambda turn: self._images(turn, "image_edit"),
            "images.create_variation": lambda turn: self._images(turn, "image_variation"),
        }

    def _speech(self, turn: Turn) -> Produced:
        self._check_model(turn.model)
        used = count(turn.body["input"])
        sound = _wav(used)
        if turn.body.get("stream_format") == "sse":
            return Produced(Reply(events=list(_speech_events(sound, used))), used)
        kind = _TYPES.get(turn.body.get("response_format") or "mp3", "application/octet-stream")
        return Produced(Reply(body=sound, headers=[("content-type", kind)]), used)

    def _transcript(self, turn: Turn, task: str) -> Produced:
        self._check_model(turn.model)
        file = turn.body.get("file")
        if not isinstance(file, FormFile) and not turn.body.get("url"):
            raise Failure("invalid", problems=(Problem("missing", ("file",)),))
        name = file.name if isinstance(file, FormFile) else str(turn.body["url"])
        text = answer_text(turn.seed, f"the recording {name}")
        form = turn.body.get("response_format") or "json"
        if str(turn.body.get("stream")).lower() == "true":
            return Produced(Reply(events=list(_transcript_events(text))), 0, count(text))
        if form in _TEXT_FORMS:
            plain = _written(text, form).encode()
            return Produced(Reply(body=plain, headers=[("content-type", "text/plain; charset=utf-8")]))
        body = {"text": text, "usage": _tokens_used(text)}
        if form == "verbose_json":
            body = _verbose(text, task, turn.body.get("timestamp_granularities") or ["segment"])
        return Produced(self._whole(body), 0, count(text))

    def _images(self, turn: Turn, kind: str) -> Produced:
        self._check_model(turn.model)
        if kind != "image_generation" and not (turn.body.get("image") or turn.body.get("images")):
            raise Failure("invalid", problems=(Problem("missing", ("image",)),))
        used = _image_usage(str(turn.body.get("prompt") or ""))
        if str(turn.body.get("stream")).lower() == "true":
            return Produced(Reply(events=list(_image_events(turn, kind, used))), 0, used["output_tokens"])
        urls = turn.body.get("response_format") == "url"
        number = _number(turn.body.get("n"), 1)
        data = [
            {"url": f"https://images.example/{turn.number}-{at}.png"} if urls else {"b64_json": _png(at)}
            for at in range(number)
        ]
        body = {"created": int(turn.now), "data": data, **({} if urls else {"usage": used})}
        return Produced(self._whole(body), used["input_tokens"], used["output_tokens"])


def _number(told: Any, usual: int) -> int:
    """A number of a body, which is text in a form; at most ten."""
    return min(int(told), 10) if str(told).isdecimal() else usual


def _wav(length: int) -> bytes:
    """Silence, a tenth of a second for each token, as a WAV file of 8-bit samples."""
    samples = b"\x80" * (length * _RATE // 10)
    head = struct.pack("<4sI4s", b"RIFF", 36 + len(samples), b"WAVE")
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, _RATE, _RATE, 1, 8)
    return head + form + struct.pack("<4sI", b"data", len(samples)) + samples


def _speech_events(sound: bytes, used: int) -> Iterator[str]:
    for start in range(0, len(sound), 4096):
        audio = base64.b64encode(sound[start : start + 4096]).decode()
        yield _data({"type": "speech.audio.delta", "audio": audio})
    usage = {"input_tokens": used, "output_tokens": used * 2, "total_tokens": used * 3}
    yield _data({"type": "speech.audio.done", "usage": usage})


def _transcript_events(text: str) -> Iterator[str]:
    for token in tokens(text):
        yield _data({"type": "transcript.text.delta", "delta": token})
    yield _data({"type": "transcript.text.done", "text": text, "usage": _tokens_used(text)})


def _tokens_used(text: str) -> Json:
    heard, said = count(text) * 3, count(text)
    details = {"text_tokens": 0, "audio_tokens": heard}
    used = {"type": "tokens", "input_tokens": heard, "input_token_details": details}
    return {**used, "output_tokens": said, "total_tokens": heard + said}


def _verbose(text: str, task: str, wanted: Any) -> Json:
    words = text.split()
    duration = round(len(words) * _WORD_SECONDS, 2)
    body: Json = {"task": task, "language": "english", "duration": duration, "text": text}
    if "word" in wanted:
        body["words"] = [
            {"word": word, "start": _at(at), "end": _at(at + 1)} for at, word in enumerate(words)
        ]
    if "segment" in wanted:
        body["segments"] = [_segment(text, duration)]
    return body


def _at(word: int) -> float:
    return round(word * _WORD_SECONDS, 2)


def _segment(text: str, duration: float) -> Json:
    return {
        "id": 0,
        "seek": 0,
        "start": 0.0,
        "end": duration,
        "text": text,
        "tokens": [len(token) for token in tokens(text)],
        "temperature": 0.0,
        "avg_logprob": -0.25,
        "compression_ratio": 1.2,
        "no_speech_prob": 0.01,
    }


def _written(text: str, form: str) -> str:
    seconds = int(len(text.split()) * _WORD_SECONDS)
    end = f"00:{seconds // 60:02d}:{seconds % 60:02d}"
    if form == "srt":
        return f"1\n00:00:00,000 --> {end},000\n{text}\n\n"
    return f"WEBVTT\n\n00:00:00.000 --> {end}.000\n{text}\n\n" if form == "vtt" else f"{text}\n"


def _image_usage(prompt: str) -> Json:
    read = count(prompt)
    details = {"text_tokens": read, "image_tokens": 0}
    used = {"input_tokens": read, "output_tokens": 272, "total_tokens": read + 272}
    return {**used, "input_tokens_details": details}


def _image_events(turn: Turn, kind: str, usage: Json) -> Iterator[str]:
    told = {"size": "1024x1024", "quality": "low", "background": "opaque", "output_format": "png"}
    head = {"created_at": int(turn.now), **told}
    for at in range(_number(turn.body.get("partial_images"), 0)):
        draft = {"b64_json": _png(at), **head, "partial_image_index": at}
        yield _named(f"{kind}.partial_image", draft)
    yield _named(f"{kind}.completed", {"b64_json": _png(9), **head, "usage": usage})


def _png(shade: int) -> str:
    """A grey PNG of one pixel in base64."""
    row = zlib.compress(bytes([0, (shade * 40) % 256]))
    parts = [(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)), (b"IDAT", row), (b"IEND", b"")]
    chunks = b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + chunks).decode()


def _named(name: str, event: Mapping[str, Any]) -> str:
    return f"event: {name}\n" + _data({"type": name, **event})


def _data(event: Mapping[str, Any]) -> str:
    return f"data: {compact(event)}\n\n"
