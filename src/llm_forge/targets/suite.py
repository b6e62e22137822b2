"""The wire cases that an SDK carries as its tests: those of the operations that it has."""

from __future__ import annotations

from dataclasses import replace

from ..spec.ir import Api
from ..spec.wire import Suite, wire_suite
from .support import unsupported


def generated_suite(api: Api) -> Suite:
    """The wire cases of an API without those of operations that are left out."""
    suite = wire_suite(api)
    left_out = unsupported(api)
    return replace(suite, cases=tuple(one for one in suite.cases if one.operation not in left_out))
