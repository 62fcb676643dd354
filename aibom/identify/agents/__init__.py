"""Agents, and who they can act as."""
