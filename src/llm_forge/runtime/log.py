"""Where the library itself says something, which is seldom."""

from __future__ import annotations

import logging

log = logging.getLogger("llm_forge")
log.addHandler(logging.NullHandler())
