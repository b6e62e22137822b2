"""The providers that the simulator speaks for, each in its own dialect."""
