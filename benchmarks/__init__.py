"""How fast the probe is, in ratios: against the interpreter, against the network, and against other tools."""
