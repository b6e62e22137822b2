"""The command line: parse, call, print; every error is at most three lines on standard error."""
