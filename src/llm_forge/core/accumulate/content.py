"""The lists in a chat delta that do not simply append: typed content and executed tools (R-161, R-169).

Typed chunks are appended in order. Mistral sends a thought as many `thinking` chunks where its unary
answer has one, so adjacent ones grow together; plain strings between typed chunks become text chunks.
Groq repeats an executed tool with what is known by then, so the later report of an index updates it.
"""

from __future__ import annotations

from typing import Any

from .delta import Pieces, grown


def grown_content(old: Any, value: Any) -> Any:
    """The content with one more delta, where `old` or `value` is a list."""
    chunks = old if type(old) is list else _chunks_of(old)
    for entry in value if isinstance(value, list) else [value]:
        if isinstance(entry, str):
            _add_text(chunks, entry)
        else:
            _add_chunk(chunks, entry)
    return chunks


def _chunks_of(old: Any) -> list[Any]:
    text = old.text() if type(old) is Pieces else ""
    return [{"type": "text", "text": Pieces((text,))}] if text else []


def _add_text(chunks: list[Any], text: str) -> None:
    last = chunks[-1] if chunks else None
    if isinstance(last, dict) and type(last.get("text")) is Pieces:
        last["text"].append(text)
    elif text:
        chunks.append({"type": "text", "text": Pieces((text,))})


def _add_chunk(chunks: list[Any], entry: Any) -> None:
    if not _is_thought(entry):
        chunks.append(entry)
        return
    if not (chunks and _is_thought(chunks[-1])):
        chunks.append({"type": "thinking", "thinking": []})
    thought = chunks[-1]
    thought.update({name: value for name, value in entry.items() if name != "thinking"})
    for part in entry["thinking"]:
        _add_part(thought["thinking"], part)


def _is_thought(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and entry.get("type") == "thinking"
        and isinstance(entry.get("thinking"), list)
    )


def _add_part(parts: list[Any], part: Any) -> None:
    if isinstance(part, dict) and part.keys() == {"type", "text"} and isinstance(part["text"], str):
        last = parts[-1] if parts else None
        if isinstance(last, dict) and type(last.get("text")) is Pieces and last.get("type") == part["type"]:
            last["text"].append(part["text"])
        else:
            parts.append({**part, "text": Pieces((part["text"],))})
    else:
        parts.append(part)


def grown_reports(old: Any, value: list[Any]) -> list[Any]:
    """Executed tools with one more delta; an entry of a known `index` updates the earlier report."""
    reports: list[Any] = grown(None, old) if isinstance(old, list) else []
    for entry in value:
        known = next((report for report in reports if _same_index(report, entry)), None)
        if known is None:
            reports.append(dict(entry) if isinstance(entry, dict) else entry)
        else:
            known.update({name: part for name, part in entry.items() if part is not None})
    return reports


def _same_index(report: Any, entry: Any) -> bool:
    if not isinstance(report, dict) or not isinstance(entry, dict):
        return False
    index = entry.get("index")
    return index is not None and report.get("index") == index
