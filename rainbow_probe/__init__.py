"""Rainbow Probe: will the Rainbow HDS cloud work from here, and if not, who must change what?"""

__version__ = "0.1.0"
