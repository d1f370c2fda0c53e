"""Runs that are kept on this machine, what changed between them, and which rows come and go."""
