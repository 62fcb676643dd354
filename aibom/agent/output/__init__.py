"""What the agent writes into its output folder: BOMs, findings, a summary of the node."""
