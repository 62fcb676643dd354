"""Configurations of MCP clients, and what listening servers answer."""
