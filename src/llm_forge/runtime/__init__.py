"""The shell around core: the call loop, its clocks and networks, and the clients' common classes."""
