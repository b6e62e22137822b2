"""`make bench`: what a client costs its process, beside the vendors' own clients, litellm and a floor.

- `server.py` answers from another process, from bytes made once; it is not the bottleneck.
- `contestants.py` says how each client is made, asked and streamed from.
- `cells.py` measures one thing of one client in a process of its own, and prints a number.
- `run.py` runs every cell several times, interleaved, and writes docs/benchmarks.md.

CPU time of the client's process comes first: it is what a machine that makes many calls runs out of. Only
ratios of one run mean anything. These are not tests: nothing fails when a figure is missed.
"""
