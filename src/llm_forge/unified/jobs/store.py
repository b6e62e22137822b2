"""The job file: a SQLite database with a record for each item; what is committed survives a kill -9.

Rules of this file:
- WAL with synchronous=FULL: a transaction is on the disk when `apply` returns (R-182). An item's outcome and
  its state change in one transaction.
- Every record carries digests of its request and of its outcome; `verify` checks them, and what does not
  agree is a JournalError, never silently lost (R-183).
- One process runs a job; workers share one and hold leases instead (see `lock`). Reading needs no lock.
- A state changes only from those that the table in `states` allows; an outcome that comes second changes
  nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

from ...core.errors import BatchError, JournalError
from . import statements as sql
from .items import Answer, InputsDigest, Item, Outcome
from .opening import PATIENCE, check_log, code_of, patiently
from .states import State, before

FORMAT = "1"


@dataclass(frozen=True, slots=True)
class Sent:
    """The item's request is about to leave."""

    index: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The item's call brought its outcome."""

    item: Item
    answer: Answer

    @property
    def index(self) -> int:
        """The item's place."""
        return self.item.index

    @property
    def outcome(self) -> Outcome:
        """The outcome as it is reported."""
        return Outcome(self.item.id, self.item.index, self.answer.state, self.answer)


@dataclass(frozen=True, slots=True)
class Returned:
    """The item is pending again; `counted` says whether its call took one of its turns."""

    index: int
    counted: bool = True


Change = Sent | Ended | Returned


class Store:
    """An open job file; `owner` names the process in leases. One thread at a time.

    JournalError where the file is damaged or no job, BatchError where the disk refuses.
    """

    def __init__(self, path: Path, *, owner: str = "", must_exist: bool = False) -> None:
        if must_exist and not path.exists():
            raise BatchError(f"There is no job at {path}")
        self.path = path
        self.owner = owner
        with self._typed():
            check_log(path)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=PATIENCE)
            try:
                patiently(self._prepare)
            except BaseException:
                self._db.close()
                raise

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        with self._transaction():
            made = self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            if not made:
                for statement in sql.SCHEMA.split(";"):
                    self._db.execute(statement)
                self._db.execute("INSERT INTO job VALUES ('format', ?)", (FORMAT,))
        found = self.get("format")
        if found != FORMAT:
            raise JournalError(f"{self.path} has the job format {found!r}; this version reads {FORMAT}")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    # What the job is.

    def get(self, name: str) -> str | None:
        """A fact of the job."""
        with self._typed():
            row = self._db.execute("SELECT value FROM job WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def put(self, **facts: str) -> None:
        """Set facts of the job."""
        with self._typed(), self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO job VALUES (?, ?)", facts.items())

    # Items in.

    def append(self, items: Sequence[Item]) -> None:
        """Add items behind those there are; BatchError for an id that is taken."""
        rows = [(item.index, item.id, item.messages, item.digest) for item in items]
        with self._typed(), self._transaction():
            for row in rows:
                try:
                    self._db.execute(
                        "INSERT INTO items (position, id, messages, digest) VALUES (?, ?, ?, ?)", row
                    )
                except sqlite3.IntegrityError as error:
                    raise BatchError(f"Two items have the id {row[1]!r}; ids must differ") from error

    def digests(self) -> Iterator[bytes]:
        """The digests of the items in their order."""
        with self._typed():
            for (digest,) in self._db.execute("SELECT digest FROM items ORDER BY position"):
                yield digest

    # The run.

    def claim(self, count: int, after: int, now: float, until: float = math.inf) -> list[Item]:
        """Lease the next pending items behind position `after`, until the instant `until`.

        Others' leases that ended before `now` have lapsed: their items count as pending, and calls that were
        under way as lost. Instants are seconds since the epoch.
        """
        with self._typed(), self._transaction():
            self._release(now)
            rows = self._db.execute(
                "SELECT position, id, messages, turns FROM items WHERE state = 'pending' AND position > ?"
                " ORDER BY position LIMIT ?",
                (after, count),
            ).fetchall()
            for row in rows:
                self._db.execute(sql.LEASE, (self.owner, until, row[0]))
        return [Item(index, name, messages, turns + 1) for index, name, messages, turns in rows]

    def apply(self, changes: Iterable[Change]) -> list[int]:
        """Make changes durable, all or none; the items whose change came too late to count."""
        with self._typed(), self._transaction():
            return [change.index for change in changes if not self._apply(change)]

    def extend(self, until: float) -> None:
        """Prolong the leases of this process."""
        with self._typed(), self._transaction():
            self._db.execute(
                "UPDATE items SET lease = ? WHERE owner = ? AND state IN ('leased', 'sent')",
                (until, self.owner),
            )

    def recover(self) -> None:
        """Take back what a process that is gone had leased or sent; for the only process of a job."""
        with self._typed(), self._transaction():
            self._release(math.inf)

    def let_go(self) -> None:
        """Give back what this process leased and did not send."""
        with self._typed(), self._transaction():
            self._db.execute(
                "UPDATE items SET state = 'pending', owner = NULL, lease = NULL"
                " WHERE state = 'leased' AND owner = ?",
                (self.owner,),
            )

    def cancel(self, *states: State) -> int:
        """Cancel the items in these states, of all states that are no end, and how many these are."""
        chosen = [state for state in states or State if state in before(State.CANCELLED)]
        with self._typed(), self._transaction():
            return self._db.execute(sql.CANCEL, (json.dumps(chosen),)).rowcount

    def reopen(self, *states: State) -> int:
        """Make ended items pending again, with all their turns, and how many these are."""
        allowed = json.dumps([state for state in states if state in before(State.PENDING)])
        with self._typed(), self._transaction():
            self._db.execute("DELETE FROM job WHERE name = 'cancelled'")
            return self._db.execute(sql.REOPEN, (allowed,)).rowcount

    # Reading.

    def counts(self) -> dict[State, int]:
        """How many items are in each state."""
        with self._typed():
            found = dict(self._db.execute("SELECT state, count(*) FROM items GROUP BY state").fetchall())
        return {state: found.get(state.value, 0) for state in State}

    def total(self) -> int | None:
        """How many items there are; None while not all inputs have been taken over."""
        inputs = self.get("inputs")
        return None if inputs is None else int(inputs.partition(":")[0])

    def cost(self) -> float | None:
        """The sum of the costs that are known, in US dollars."""
        with self._typed():
            row: tuple[float | None] = self._db.execute("SELECT sum(cost) FROM items").fetchone()
        return row[0]

    def has_open(self) -> bool:
        """Whether an item has not ended."""
        with self._typed():
            query = "SELECT 1 FROM items WHERE state IN ('pending', 'leased', 'sent') LIMIT 1"
            return self._db.execute(query).fetchone() is not None

    def interrupted(self) -> list[str]:
        """The ids of items with a call that was under way when its process died, and may have been paid."""
        with self._typed():
            query = "SELECT id FROM items WHERE lost > 0 ORDER BY position"
            return [row[0] for row in self._db.execute(query)]

    def outcomes(self, after: int = -1) -> Iterator[Outcome]:
        """All items in their order, each with its outcome if it has one."""
        query = "SELECT position, id, state, outcome FROM items WHERE position > ? ORDER BY position"
        with self._typed():
            for index, name, state, outcome in self._db.execute(query, (after,)):
                yield Outcome(name, index, State(state), _answer(outcome))

    def verify(self) -> str:
        """Check every record; the digest of the inputs (R-185). JournalError names the first bad record."""
        inputs, known = InputsDigest(), self.get("inputs")
        query = "SELECT position, id, messages, digest, state, outcome, seal FROM items ORDER BY position"
        with self._typed():
            for index, name, messages, digest, *ending in self._db.execute(query):
                item = Item(index, name, messages)
                if index != inputs.count or item.digest != digest or not _is_sealed(index, *ending):
                    raise JournalError(
                        f"{self.path} is damaged at item {inputs.count}: its record does not agree with its "
                        "checksum; restore the file from a copy, or start a new job"
                    )
                inputs.add(digest)
        if known is not None and known != inputs.hex():
            raise JournalError(f"{self.path} is damaged: its items are not those that it was made with")
        return inputs.hex()

    # Inside.

    def _apply(self, change: Change) -> bool:
        if isinstance(change, Sent):
            return self._moved(sql.SEND, State.SENT, change.index)
        if isinstance(change, Returned):
            return self._moved(sql.RETURN, State.PENDING, change.index, int(change.counted))
        state, outcome = change.answer.state, _encoded(change.answer)
        seal = _seal(change.index, state, outcome)
        return self._moved(sql.END, state, change.index, outcome, seal, change.answer.cost)

    def _moved(self, statement: str, state: State, index: int, *values: Any) -> bool:
        """Change the state of an item of ours; false where the table of states does not allow it."""
        allowed = json.dumps(sorted(before(state)))
        return self._db.execute(statement, (state, *values, index, self.owner, allowed)).rowcount == 1

    def _release(self, now: float) -> None:
        """End the leases that have lapsed by `now`."""
        self._db.execute(sql.RELEASE, (now,))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _typed(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise _storage_error(self.path, error) from error
        except sqlite3.DatabaseError as error:
            raise JournalError(f"{self.path} is damaged or no job file: {error}") from error


def _storage_error(path: Path, error: sqlite3.OperationalError) -> BatchError:
    if code_of(error) == sqlite3.SQLITE_FULL:
        return BatchError(f"The disk of {path} is full: make room and run the job again; nothing is lost")
    return BatchError(f"The job file {path} cannot be used: {error}")


def _seal(index: int, state: str, outcome: bytes) -> bytes:
    return hashlib.sha256(b"%d %s %s" % (index, state.encode(), outcome)).digest()


def _is_sealed(index: int, state: str, outcome: bytes | None, seal: bytes | None) -> bool:
    if state not in {State.DONE, State.FAILED}:
        return outcome is None
    return outcome is not None and seal == _seal(index, state, outcome)


def _encoded(answer: Answer) -> bytes:
    try:
        return msgspec.json.encode(answer)
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can carry as an escape only
        return json.dumps(asdict(answer), separators=(",", ":")).encode()


def _answer(outcome: bytes | None) -> Answer:
    return Answer() if outcome is None else Answer(**json.loads(outcome))
