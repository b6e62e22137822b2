"""The main job in one go, against the built-in simulator: no key, no network, nothing left running.

Streams an answer from each provider, lives through a 429 and a dropped connection, shows what a stream
that is cut short looks like, and generates a Python SDK from a description and calls it.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import time
from pathlib import Path

import llm_forge
from llm_forge import Event, StreamInterruptedError
from llm_forge.simulator import Fault, Simulator
from llm_forge.spec import load_description
from llm_forge.targets import generate

QUESTION = "Why do reliable clients matter?"
MODELS = {
    "anthropic": "anthropic/claude-sonnet-4-5",
    "openai": "openai/gpt-4o-mini",
    "groq": "groq/llama-3.3-70b-versatile",
    "mistral": "mistral/mistral-small-latest",
}


def say(title: str) -> None:
    """A heading."""
    print(f"\n── {title}", flush=True)


def tell(event: Event) -> None:
    """Print what the client does about trouble."""
    if event.name == "retry":
        facts = event.facts
        why = f"status {facts['status']}" if facts["status"] else facts["cause"]
        print(f"   {why}: waiting {facts['wait']:.2f} s ({facts['source']}), then trying again", flush=True)


def options(simulator: Simulator, provider: str) -> dict[str, str]:
    """How to reach the simulator; with real keys in the environment none of this is needed."""
    return {"api_key": "demo", "base_url": simulator.base_urls[provider]}


def stream_from_everyone(simulator: Simulator) -> None:
    """One vocabulary, four providers."""
    say(f"One question to four providers, streamed: {QUESTION}")
    for provider, name in MODELS.items():
        with llm_forge.get_llm(name, **options(simulator, provider)) as llm:
            print(f"{provider:>10}: ", end="")
            for piece in llm.stream(QUESTION):
                print(piece.text, end="", flush=True)
            print()


def survive_trouble(simulator: Simulator) -> None:
    """A throttled answer and a lost connection, both healed by the one retry loop."""
    say("groq answers 429 with Retry-After: 1")
    with llm_forge.get_llm(MODELS["groq"], **options(simulator, "groq"), on_event=tell) as llm:
        simulator.faults.add(Fault(provider="groq", status=429, retry_after=1, times=1))
        began = time.monotonic()
        reply = llm.invoke(QUESTION)
        print(f"   answered after {time.monotonic() - began:.2f} s: {reply.text[:60]}...")

    say("mistral drops the connection")
    with llm_forge.get_llm(MODELS["mistral"], **options(simulator, "mistral"), on_event=tell) as llm:
        simulator.faults.add(Fault(provider="mistral", drop="reset", times=1))
        print(f"   answered: {llm.invoke(QUESTION).text[:60]}...")


def show_a_cut_stream(simulator: Simulator) -> None:
    """What today's clients present as complete is an error here, with what arrived."""
    say("anthropic's stream is cut in the middle")
    cut = {"events": 8, "end": "complete"}  # a clean end of the body, but no terminal event
    simulator.faults.add(Fault(provider="anthropic", cut=cut, times=1))
    client = llm_forge.Anthropic(**options(simulator, "anthropic"))
    with client:
        try:
            client.messages.stream(
                model="claude-sonnet-4-5",
                max_tokens=200,
                messages=[{"role": "user", "content": QUESTION}],
            ).result()
        except StreamInterruptedError as error:
            print(f"   {error.kind}: {error.message}")
            print(f"   partial text: {error.partial.content[0].text!r}")
            print(f"   request id:   {error.request_id}")


def generate_and_call(simulator: Simulator) -> None:
    """From a description to an SDK that answers."""
    say("a Python SDK generated from the description of openai, then called")
    with tempfile.TemporaryDirectory() as folder:
        made = generate(load_description("openai"), "python", Path(folder), package="generated_openai")
        print(f"   {len(made.files)} files, standing alone: no llm_forge needed to use them")
        sys.path.insert(0, folder)
        try:
            sdk = importlib.import_module("generated_openai")
            with sdk.OpenAI(**options(simulator, "openai")) as client:
                completion = client.chat.completions.create(
                    model="gpt-4o-mini", messages=[{"role": "user", "content": QUESTION}]
                )
            print(f"   {sdk.OpenAI.__module__} says: {completion.choices[0].message.content[:60]}...")
        finally:
            sys.path.remove(folder)


def main() -> None:
    """Run all of it."""
    with Simulator(seed=7, pacing=0.01) as simulator:
        print(f"Simulator on {simulator.url}; no key, no network.")
        stream_from_everyone(simulator)
        survive_trouble(simulator)
        show_a_cut_stream(simulator)
        generate_and_call(simulator)
        attempts = sum(simulator.ledger.attempts(provider) for provider in MODELS)
        say(f"done: the simulator saw {attempts} requests")


if __name__ == "__main__":
    main()
