"""The SQL of the job file: its tables, and how an item changes its state.

A change of one item takes the item, the process that must own it, and the states (a JSON list) from which the
table in `states` allows it.
"""

SCHEMA = """
CREATE TABLE job (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE items (
  position INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL DEFAULT 'pending',
  turns INTEGER NOT NULL DEFAULT 0,
  lost INTEGER NOT NULL DEFAULT 0,
  owner TEXT,
  lease REAL,
  cost REAL,
  digest BLOB NOT NULL,
  seal BLOB,
  messages TEXT NOT NULL,
  outcome BLOB
);
CREATE INDEX by_state ON items(state, position);
"""
SEND = """
UPDATE items SET state = ?
WHERE position = ? AND owner = ? AND state IN (SELECT value FROM json_each(?))
"""
END = """
UPDATE items SET state = ?, outcome = ?, seal = ?, cost = ?, turns = turns + 1, owner = NULL, lease = NULL
WHERE position = ? AND owner = ? AND state IN (SELECT value FROM json_each(?))
"""
RETURN = """
UPDATE items SET state = ?, turns = turns + ?, owner = NULL, lease = NULL
WHERE position = ? AND owner = ? AND state IN (SELECT value FROM json_each(?))
"""
LEASE = "UPDATE items SET state = 'leased', owner = ?, lease = ? WHERE position = ? AND state = 'pending'"
RELEASE = """
UPDATE items SET lost = lost + (state = 'sent'), state = 'pending', owner = NULL, lease = NULL
WHERE state IN ('leased', 'sent') AND lease <= ?
"""
CANCEL = """
UPDATE items
SET lost = lost + (state = 'sent' AND lease IS NOT NULL), state = 'cancelled', owner = NULL, lease = NULL
WHERE state IN (SELECT value FROM json_each(?))
"""
REOPEN = """
UPDATE items SET state = 'pending', turns = 0, outcome = NULL, seal = NULL, cost = NULL
WHERE state IN (SELECT value FROM json_each(?))
"""
