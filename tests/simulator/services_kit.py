"""A file of requests for batches, and how a test waits without waiting."""

from __future__ import annotations

import json
from typing import Any


def request_file(path: str, *models: str) -> bytes:
    """One chat request a line; the custom ids count from 0."""
    lines = (
        {
            "custom_id": str(number),
            "method": "POST",
            "url": path,
            "body": {"model": model, "messages": [{"role": "user", "content": f"say {number}"}]},
        }
        for number, model in enumerate(models)
    )
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()


def results(content: bytes) -> dict[str, Any]:
    """The bodies of a result file by custom id."""
    lines = (json.loads(line) for line in content.decode().splitlines())
    return {line["custom_id"]: line["response"]["body"] for line in lines}
