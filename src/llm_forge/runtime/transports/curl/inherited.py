"""What a forked child does with its parent's connections: nothing, for ever (R-044).

Cleaning up a libcurl handle says good-bye on its TLS connection, which the parent still uses. So in a child
each inherited handle gets one reference too many, and is never cleaned up, not even when the child exits.
"""

from __future__ import annotations

import ctypes
import os
import weakref
from typing import Protocol


class Inheritable(Protocol):
    """Something made before a fork."""

    def keep_for_ever(self) -> None:
        """Called in the child."""
        ...


_all: weakref.WeakSet[Inheritable] = weakref.WeakSet()


def note(one: Inheritable) -> None:
    """Tell it, if this process is forked, in the child."""
    _all.add(one)


def keep(handle: object) -> None:
    """Never let this object be cleaned up."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(handle))


def _after_fork() -> None:
    for one in tuple(_all):
        one.keep_for_ever()
    _all.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
