"""The providers that the simulator speaks for, each in its own dialect."""

from .anthropic import Anthropic
from .groq import Groq
from .mistral import Mistral
from .openai import OpenAI
from .provider import Provider

PROVIDERS: tuple[type[Provider], ...] = (Anthropic, Groq, Mistral, OpenAI)

__all__ = ["PROVIDERS"]
