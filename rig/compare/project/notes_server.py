"""An MCP server over HTTP that keeps notes: ``notes_server.py PORT``."""

import sys

from mcp.server import MCPServer  # type: ignore[import-not-found,unused-ignore]

notes = MCPServer("notes", log_level="ERROR")


@notes.tool()  # type: ignore[untyped-decorator,unused-ignore]
def keep(text: str) -> str:
    """Keep a note."""
    return f"kept: {text}"


if __name__ == "__main__":
    notes.run(transport="streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
