"""Words of the simulator: tokens, seeded randomness, answers to prompts.

Rules:
- A token is at most six letters with the space before them, one other character, or one space. It is
  simple on purpose: every count in a response can be checked by hand with `tokens`.
- A text depends on seed and prompt only, so that unary and streamed answers are the same.
- `say ...`, `echo ...` or `repeat ...` at the start of a prompt asks for exactly that text, and
  "500 words" anywhere in it for an answer of that length.
"""

from __future__ import annotations

import random
import re

_TOKEN = re.compile(r" ?\w{1,6}| ?[^\w\s]|\s", re.DOTALL)
_SAY = re.compile(
    r"\s*(?:please )?(?:say|echo|repeat)(?: exactly| this| after me)?\s*[:\s]\s*(.+)",
    re.IGNORECASE | re.DOTALL,
)
_LENGTH = re.compile(r"\b(\d{1,6})[- ]words?\b", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_COMMON = frozenset(
    """a about an and are as at be can could do does explain for from give had has have how i in is it its
    make me my of on or please say tell that the their them these they this to two us use want was were what
    when where which who why will with would write you your short long one""".split()  # noqa: SIM905 - shorter
)
_SENTENCES = (
    "The short answer on {topic} is that it depends on what you measure first.",
    "Most people begin with {topic} by naïve trial, and that works surprisingly well.",
    "Two points matter about {topic}: where it starts, and what it costs to change.",
    "If you keep only one idea about {topic}, keep the simplest one that explains the facts.",
    "There is more to {topic} than a reply of this size can hold — but this is the core of it.",
    "A good next step is to write down what you expect of {topic}, then compare.",
    "None of this is certain; {topic} rewards those who check.",
    "In practice, {topic} turns out to be a matter of small steps 🙂.",
)


def tokens(text: str) -> list[str]:
    """The tokens of a text; joined they are the text again."""
    return _TOKEN.findall(text)


def count(text: str) -> int:
    """How many tokens a text has."""
    return len(tokens(text))


def dice(*labels: object) -> random.Random:
    """A random source that depends on its labels only, on every machine."""
    return random.Random("\x1f".join(str(label) for label in labels))  # noqa: S311 - seeded on purpose


def letters(source: random.Random, alphabet: str, length: int) -> str:
    """So many characters of an alphabet."""
    return "".join(source.choices(alphabet, k=length))


def answer_text(seed: int, prompt: str, variant: int = 0) -> str:
    """A readable answer to a prompt; `variant` tells the choices of one request apart."""
    if said := _SAY.fullmatch(prompt):
        return said[1].strip()
    source = dice(seed, "text", variant, prompt)
    topic = _topic(prompt)
    if wanted := _LENGTH.search(prompt):
        return _long_text(source, topic, int(wanted[1]))
    return " ".join(_sentences(source, topic, source.randint(2, 3)))


def thinking_text(seed: int, prompt: str) -> str:
    """What the simulator says it thought before it answered."""
    source = dice(seed, "thinking", prompt)
    plan = source.choice(("answer briefly", "name the main points", "give one clear recommendation"))
    return f"The user asks about {_topic(prompt)}. I should {plan} and stay on the subject."


def _topic(prompt: str) -> str:
    words = [word for word in _WORD.findall(prompt) if word.lower() not in _COMMON]
    return " ".join(words[-3:]) or "that"


def _sentences(source: random.Random, topic: str, number: int) -> list[str]:
    return [sentence.format(topic=topic) for sentence in source.sample(_SENTENCES, number)]


def _long_text(source: random.Random, topic: str, length: int) -> str:
    words: list[str] = []
    while len(words) < length:
        words += " ".join(_sentences(source, topic, len(_SENTENCES))).split()
    return " ".join(words[:length])
