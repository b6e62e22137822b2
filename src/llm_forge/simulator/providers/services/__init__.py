"""Services that several providers offer in OpenAI's form: files, batches, audio, vector stores and others.

Rules of this folder:
- A service maps operations to functions of a `Turn`. What it keeps, it keeps on a `Shelf`.
- States follow the clock: a thing knows when it was made, and what it is now follows from `turn.now`.
- Objects have the fields and the order of recorded ones.
"""
