"""Runs by the clock, started by the machine's own scheduler: what to write for each, and where."""
