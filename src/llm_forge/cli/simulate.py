"""`llm-forge simulate`."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

from ..simulator import DocumentError, Simulator, run
from .failure import Failure


def run_simulate(port: int, seed: int, faults: Path | None, wire: list[Path], *, as_json: bool) -> None:
    """Serve until interrupted; the variables to export go to standard output first."""
    try:
        simulator = Simulator(seed, port, faults, wire=wire).start()
    except DocumentError as error:
        raise Failure(str(error), 2) from error
    except OSError as error:
        raise Failure(f"Port {port} cannot be used: {error.strerror}; choose another with --port") from error
    run(simulator, announce=partial(_announce, as_json=as_json))


def _announce(simulator: Simulator, *, as_json: bool) -> None:
    variables = simulator.environment()
    if as_json:
        print(json.dumps(variables), flush=True)
        return
    print(*(f"export {name}={value}" for name, value in variables.items()), sep="\n", flush=True)
    print(f"Serving {', '.join(simulator.base_urls)} on {simulator.url}; Ctrl-C ends it", file=sys.stderr)
