"""What goes wrong where declared things are kept."""


class SourceError(Exception):
    """Something declared could not be had; the message says what, where, and what to do."""


class MissingError(SourceError):
    """What was asked for is not there, while the place itself answered."""
