"""The one exception that the rig raises on purpose."""


class RigError(RuntimeError):
    """Something outside the rig's hands failed. The message says what, where, and what to do."""
