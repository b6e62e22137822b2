"""Go: typed faces over the package `forge`, which is `runtime/`."""

from .target import GoTarget

__all__ = ["GoTarget"]
