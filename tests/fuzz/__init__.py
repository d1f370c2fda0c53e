"""Fuzzing of every parser: ``targets`` says what must hold, ``__main__`` drives it by coverage (``make fuzz``)."""
