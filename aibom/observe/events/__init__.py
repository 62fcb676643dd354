"""Sensors that the kernel feeds: process events and file events."""
