"""What an agent remembers over restarts, in SQLite: what was seen, when, and what was told."""
