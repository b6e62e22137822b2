"""Where options come from that no argument gives: the environment, and configuration files (R-001, R-013).

document.py     YAML to plain values that know their line, within limits
schema.py       what a file may say, and the options that it means
references.py   `env:NAME`, `file:PATH`, `cmd:COMMAND`, `keyring:SERVICE/USER` instead of credentials
environment.py  `LLM_FORGE_TIMEOUT` and its like
sources.py      all layers, in their order, and where each value came from
"""
