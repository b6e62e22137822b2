"""Modules that a blocking client may never need, each imported at the first use of one of its names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.lazy import LateModule

__all__ = ["asyncio"]

if TYPE_CHECKING:
    import asyncio
else:
    asyncio = LateModule("asyncio")
