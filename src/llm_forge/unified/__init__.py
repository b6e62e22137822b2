"""One vocabulary for all providers: name a model, ask it, stream it."""

from .model import LanguageModel, Piece, Reply
from .registry import get_llm, model_name, provider_names

__all__ = ["LanguageModel", "Piece", "Reply", "get_llm", "model_name", "provider_names"]
