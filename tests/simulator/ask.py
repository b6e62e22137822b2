"""One question to a provider of the simulator, and the text of its answer."""

from __future__ import annotations

from typing import Any

from llm_forge.simulator import Simulator

from .wire import Answer, fetch

PATHS = {
    "anthropic": "/v1/messages",
    "openai": "/chat/completions",
    "groq": "/openai/v1/chat/completions",
    "mistral": "/v1/chat/completions",
}
MODELS = {
    "anthropic": "/v1/models",
    "openai": "/models",
    "groq": "/openai/v1/models",
    "mistral": "/v1/models",
}
PROVIDERS = list(PATHS)
CHATS = PROVIDERS[1:]
EPOCH = 1_800_000_000.0


def body(provider: str, prompt: str = "Tell me about tides", **more: Any) -> dict[str, Any]:
    needed = {"max_tokens": 1000} if provider == "anthropic" else {}
    return {"model": "any-model", "messages": [{"role": "user", "content": prompt}], **needed, **more}


def ask(sim: Simulator, provider: str, prompt: str = "Tell me about tides", **more: Any) -> Answer:
    return fetch(sim.base_urls[provider] + PATHS[provider], body(provider, prompt, **more))


def text_of(provider: str, answer: Answer) -> str:
    if provider == "anthropic":
        return str(answer.json["content"][-1]["text"])
    return str(answer.json["choices"][0]["message"]["content"])


def streamed_text(provider: str, answer: Answer) -> str:
    if provider == "anthropic":
        return "".join(
            chunk["delta"].get("text", "")
            for chunk in answer.chunks
            if "content_block_delta" in chunk["type"]
        )
    deltas = (choice["delta"] for chunk in answer.chunks for choice in chunk["choices"])
    return "".join(delta.get("content") or "" for delta in deltas)
