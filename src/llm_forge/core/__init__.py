"""Pure decisions and decoders: no clock, no chance, no I/O; `now` and random numbers are arguments."""
