"""Watching: kernel events and looks, joined to what each process loaded while it lived."""
