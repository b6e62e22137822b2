"""A reply as plain JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .reply import Reply


def reply_to_dict(reply: Reply) -> dict[str, Any]:
    """Everything that another process may want to know; absent facts are null."""
    return {
        "text": reply.text,
        "thinking": reply.thinking,
        "tool_calls": [asdict(call) for call in reply.tool_calls],
        "finish_reason": reply.finish_reason,
        "raw_finish_reason": reply.raw_finish_reason,
        "refusal": reply.refusal,
        "usage": None if reply.usage is None else reply.usage.to_dict(),
        "cost": None if reply.cost is None else reply.cost.to_dict(),
        "model": reply.model,
        "provider": reply.provider,
        "request_id": reply.request_id,
        "attempts": reply.attempts,
        "tried": [asdict(one) for one in reply.tried],
        "raw": reply.raw.to_dict(),
    }
