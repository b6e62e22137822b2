"""Durable jobs: many prompts to one model, in a file that survives everything.

    job = llm_forge.jobs.run("answers.db", "openai/gpt-4o-mini", prompts, out="answers.jsonl")
    for outcome in job:
        print(outcome.id, outcome.text, outcome.error)

Run it again to resume; a finished job sends nothing.
"""

from .items import Answer, Outcome
from .job import Job, Status, arun, run
from .options import RunOptions
from .progress import Progress
from .states import State

__all__ = ["Answer", "Job", "Outcome", "Progress", "RunOptions", "State", "Status", "arun", "run"]
