"""Servers, their workers, and what they serve compared with what was loaded."""
