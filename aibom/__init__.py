"""aibom: proves what AI software ran, says how it knows, and says what it could not see."""

__version__ = "0.1.0"
