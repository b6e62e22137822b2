"""The Python target."""

from .target import PythonTarget

__all__ = ["PythonTarget"]
