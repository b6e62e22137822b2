"""One vocabulary for all providers: name a model, ask it, stream it."""

from .batch import BatchResult
from .connection import Connection
from .model import Explanation, LanguageModel
from .optimizers import CacheStructure, Change, JsonMode, Optimization, Optimizer, Seed
from .parts import Media, Message, Raw, Text, Thinking, ToolCall, ToolResult
from .prices import Cost
from .registry import get_llm, model_name, provider_names, server_names
from .reply import Piece, Reply, ToolCallDelta, Usage
from .stream import AsyncReplyStream, ReplyStream, StreamProgress
from .tools import Tool

__all__ = [
    "AsyncReplyStream",
    "BatchResult",
    "CacheStructure",
    "Change",
    "Connection",
    "Cost",
    "Explanation",
    "JsonMode",
    "LanguageModel",
    "Media",
    "Message",
    "Optimization",
    "Optimizer",
    "Piece",
    "Raw",
    "Reply",
    "ReplyStream",
    "Seed",
    "StreamProgress",
    "Text",
    "Thinking",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolResult",
    "Usage",
    "get_llm",
    "model_name",
    "provider_names",
    "server_names",
]
