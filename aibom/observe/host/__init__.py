"""A node and its files: the protocol, and those who answer it."""
