"""The other end of a sweep: answers STUN Binding on whole ranges of ports, for a while."""
