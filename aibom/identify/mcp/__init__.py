"""MCP servers and clients: found, joined, compared with configurations."""
