"""The words of programs for the transports of MCP (modelcontextprotocol.io, basic/transports)."""

#: Transports by what servers, SDKs, bridges and clients call them, in lower case: gofastmcp.com,
#: deployment/running-server; supergateway, mcp-proxy and server-everything: their README.
TRANSPORTS = {
    "http": "streamable-http",
    "shttp": "streamable-http",
    "sse": "sse",
    "stdio": "stdio",
    "streamable-http": "streamable-http",
    "streamable_http": "streamable-http",
    "streamablehttp": "streamable-http",
}
