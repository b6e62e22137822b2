"""The documents of the project, run."""
