"""The Rust target: what is decided here, printed by the writers."""

from .target import RustTarget

__all__ = ["RustTarget"]
