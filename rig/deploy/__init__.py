"""What is under deploy/, made from its sources and held against the tools that will read it."""
