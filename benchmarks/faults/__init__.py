"""`make compare-faults`: the same faults served to the vendors' own clients, to litellm and to ours.

- `catalogue.py` says what each fault is, what the server sends, and what counts as right.
- `contestants.py` knows how each client is made, asked and read; it runs in a process of its own.
- `run.py` serves the faults, watches what reaches the server, judges, and writes docs/faults.md.

Anybody can run it and check: nothing leaves this machine, no key is needed.
"""
