"""Wire cases: for each operation, calls with the request and the result that must come of them.

    suite = wire_suite(load_description("groq"))
    Path("wire.json").write_text(to_json(suite))

A pure function of the description: every language's SDK gets the same cases, and `llm-forge simulate --wire`
serves them. docs/wire-cases.md describes the JSON.
"""

from .cases import Answer, Arguments, Case, Content, Outcome, Part, Sent, Suite
from .making import wire_suite
from .samples import File
from .serial import VERSION, to_json

__all__ = [
    "VERSION",
    "Answer",
    "Arguments",
    "Case",
    "Content",
    "File",
    "Outcome",
    "Part",
    "Sent",
    "Suite",
    "to_json",
    "wire_suite",
]
