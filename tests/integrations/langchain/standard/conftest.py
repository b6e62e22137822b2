"""What the standard suites find: the simulator as every provider, and files instead of downloads."""

from __future__ import annotations

import io
import struct
import wave
import zlib
from collections.abc import Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from llm_forge.integrations.langchain import ChatForge
from llm_forge.simulator import Simulator

load_module = import_module("langchain_core.load.load")  # its package has a function of that name


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    with Simulator(seed=7) as running:
        yield running


@pytest.fixture(autouse=True)
def providers(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and base URLs come from the environment, as users have them."""
    for name, value in simulator.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "llm-forge")


@pytest.fixture(autouse=True)
def files(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suites fetch an image, a PDF and a sound: each gets a small one that is made here."""

    def get(url: str, **options: Any) -> SimpleNamespace:
        return SimpleNamespace(content=_MAKERS[url.rpartition(".")[2]]())

    monkeypatch.setattr(httpx, "get", get)


@pytest.fixture
def vcr() -> None:
    """Asked for by a test that no suite of ours runs; its plugin puts a stranger in pycurl's place."""


@pytest.fixture(autouse=True)
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """LangChain loads classes of a fixed list of packages; to others a user says `allowed_objects`."""
    listed = load_module._get_default_allowed_class_paths
    monkeypatch.setattr(
        load_module,
        "_get_default_allowed_class_paths",
        lambda mode: listed(mode) | {tuple(ChatForge.lc_id())},
    )


def _png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\x00\x80")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def _pdf() -> bytes:
    return b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def _wav() -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(160))
    return made.getvalue()


_MAKERS = {"png": _png, "jpg": _png, "jpeg": _png, "pdf": _pdf, "wav": _wav}
