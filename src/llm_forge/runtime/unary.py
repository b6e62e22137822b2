"""A unary call: its steps, its retry loop and its hedge."""

from __future__ import annotations

from typing import Any

from .attempt import unary
from .call import run
from .context import Call, outcome_name
from .hedge import hedged
from .middleware import through


async def run_unary(call: Call) -> Any:
    """A unary call from its start to its end."""
    call.begin()
    try:
        value = await through(
            call,
            call.shared.steps.call,
            call.prepared.request,
            lambda request: run(call.asking(request), hedged(unary)),
        )
    except BaseException as error:
        call.finish(outcome_name(error))
        raise
    call.finish("ok", value)
    return value
