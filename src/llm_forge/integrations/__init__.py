"""Bridges to other libraries, one module each; every module imports its library lazily, as an extra."""
