"""The TypeScript target: an SDK for Node, browsers, Deno and Bun without run-time dependencies."""

from .target import TypeScriptTarget

__all__ = ["TypeScriptTarget"]
