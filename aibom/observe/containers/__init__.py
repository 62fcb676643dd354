"""Containers, as their runtimes describe them."""
