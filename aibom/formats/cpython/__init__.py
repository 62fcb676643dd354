"""The structures of a CPython interpreter, decoded from its memory; no I/O."""
