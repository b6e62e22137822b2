"""Wire-faithful providers and scripted servers, on loopback: an independent witness for tests.

`ScriptedServer` sends what it is told, to the byte. `Simulator` speaks the providers' protocols.
"""

from .script import Piece, Reply
from .scripted import Record, Route, Scenario, ScriptedServer
from .server import Exchange, Request, Server

__all__ = [
    "Exchange",
    "Piece",
    "Record",
    "Reply",
    "Request",
    "Route",
    "Scenario",
    "ScriptedServer",
    "Server",
]
