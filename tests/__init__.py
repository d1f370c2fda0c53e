"""The tests of the probe. ``tests.lab`` is the network they break."""
