"""MCP: configurations of clients, messages of servers, and what tools say of themselves."""
