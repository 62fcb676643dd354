"""Broken bytes for everything that reads bytes which somebody else controls: ``make fuzz``."""
