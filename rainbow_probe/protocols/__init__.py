"""Wire protocols as pure machines: bytes in, bytes and facts out. No socket, no clock, no event loop."""
