"""A server of ready-made answers: whole ones, bursts of events, paced events, and streams that stay open.

The path says which: /burst sends all events at once, /paced one by one, /open two events and then nothing.
A path with /messages speaks the block-event family, every other the chat-completion family.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

EVENTS = 3000
PAUSE = 0.001
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\nx-request-id: req_1\r\n%b\r\n\r\n"
TEXT = " a few words of an answer" * 30
CHUNK = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": TEXT}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 10, "output_tokens": 20},
}
CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": TEXT, "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30},
}


def chat_event(content: str | None, finish: str | None = None) -> bytes:
    delta = {} if content is None else {"content": content}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return b"data: " + json.dumps({**CHUNK, "choices": [choice]}).encode() + b"\n\n"


def block_event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def chat_events(count: int) -> list[bytes]:
    # Not the same word each time: litellm takes that for a model gone wrong.
    return [
        *(chat_event(f" word{at % 97}") for at in range(count)),
        chat_event(None, "stop"),
        b"data: [DONE]\n\n",
    ]


def block_events(count: int) -> list[bytes]:
    return [
        block_event("message_start", message={**MESSAGE, "content": [], "stop_reason": None})
        + block_event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        *(_word(at) for at in range(count)),
        block_event("content_block_stop", index=0)
        + block_event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 20}),
        block_event("message_stop"),
    ]


def _word(at: int) -> bytes:
    return block_event(
        "content_block_delta", index=0, delta={"type": "text_delta", "text": f" word{at % 97}"}
    )


def _http_chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _whole(value: Any) -> bytes:
    body = json.dumps(value).encode()
    return HEAD % (b"application/json", b"content-length: %d" % len(body)) + body


@dataclass(frozen=True)
class Answers:
    """All answers of one family, as bytes for the wire."""

    whole: bytes
    burst: bytes
    paced: tuple[bytes, ...]

    @classmethod
    def of(cls, value: Any, events: list[bytes]) -> Answers:
        head = HEAD % (b"text/event-stream", b"transfer-encoding: chunked")
        chunks = [_http_chunk(event) for event in events]
        last = b"0\r\n\r\n"
        return cls(_whole(value), head + b"".join(chunks) + last, (head, *chunks, last))


class Protocol(asyncio.Protocol):
    """One connection; requests are told apart by their length, nothing else of them is read."""

    answers: dict[str, Answers]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.data = bytearray()

    def data_received(self, data: bytes) -> None:
        self.data += data
        end = self.data.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self.data[:end]).lower()
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0]) if b"content-length:" in head else 0
        if len(self.data) < end + 4 + length:
            return
        body = bytes(self.data[end + 4 :])
        self.data.clear()
        self.answer(head.partition(b"\r\n")[0], body)

    def answer(self, line: bytes, body: bytes) -> None:
        answers = self.answers["blocks" if b"/messages" in line else "chat"]
        if b'"stream":true' not in body.replace(b" ", b""):
            self.transport.write(answers.whole)
        elif b"/paced/" in line:
            self.pace(answers.paced, 0)
        elif b"/open/" in line:
            self.transport.write(b"".join(answers.paced[:3]))
        else:
            self.transport.write(answers.burst)

    def pace(self, pieces: tuple[bytes, ...], at: int) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(pieces[at])
        if at + 1 < len(pieces):
            asyncio.get_running_loop().call_later(PAUSE, self.pace, pieces, at + 1)


async def _serve(ready: Connection, events: int) -> None:
    Protocol.answers = {
        "chat": Answers.of(CHAT, chat_events(events)),
        "blocks": Answers.of(MESSAGE, block_events(events)),
    }
    server = await asyncio.get_running_loop().create_server(Protocol, "127.0.0.1", 0, backlog=2048)
    ready.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _main(ready: Connection, events: int) -> None:
    asyncio.run(_serve(ready, events))


@contextlib.contextmanager
def serving(events: int = EVENTS) -> Iterator[str]:
    """The server's URL, in a process of its own for as long as the block runs."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_main, args=(theirs, events), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()
