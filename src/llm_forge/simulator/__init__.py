"""Wire-faithful providers and scripted servers, on loopback: an independent witness for tests.

`ScriptedServer` sends what it is told, to the byte. `Simulator` speaks the providers' protocols.
"""

from .documents import DocumentError
from .faults import Fault, faults_from, load_faults
from .ledger import Entry, Ledger, Totals
from .script import Piece, Reply
from .script_file import replies_from, reply_from
from .scripted import Record, Route, Scenario, ScriptedServer
from .server import Exchange, Listener, Request, Server
from .simulator import Simulator, run

__all__ = [
    "DocumentError",
    "Entry",
    "Exchange",
    "Fault",
    "Ledger",
    "Listener",
    "Piece",
    "Record",
    "Reply",
    "Request",
    "Route",
    "Scenario",
    "ScriptedServer",
    "Server",
    "Simulator",
    "Totals",
    "faults_from",
    "load_faults",
    "replies_from",
    "reply_from",
    "run",
]
