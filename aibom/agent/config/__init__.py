"""What an agent is told: one schema for the file, the environment and the command line."""
