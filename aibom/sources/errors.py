"""What goes wrong where declared things are kept."""


class SourceError(Exception):
    """Something declared could not be had; the message says what, where, and what to do."""
