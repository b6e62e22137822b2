"""The conformance runner: one suite of corpora and scenarios for every language's clients."""

from .results import ConformanceError, Result, Summary
from .runner import main, run
from .scenario import ScenarioError

__all__ = ["ConformanceError", "Result", "ScenarioError", "Summary", "main", "run"]
