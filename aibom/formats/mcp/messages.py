"""Messages of MCP over HTTP: requests that only read, replies, and events that carry them.

Protocol: modelcontextprotocol.io. Revisions up to 2025-11-25 begin with ``initialize``; from
2026-07-28 on every request carries what it needs in ``_meta`` (basic/index) and is mirrored in
headers (basic/transports/streamable-http), and ``server/discover`` says who answers. JSON-RPC 2.0
(jsonrpc.org). Events: HTML Living Standard, server-sent events.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aibom.formats.jsontext import load_object, text_of

#: The revision that is offered to servers that want a handshake; they answer with their own.
HANDSHAKE = "2025-11-25"
#: The revision of requests without a handshake.
STATELESS = "2026-07-28"
#: Most tools of one server that are kept.
MAX_TOOLS = 1000
#: Deepest nesting of a tool's definition; real ones have some ten levels.
MAX_DEPTH = 100
_META = "io.modelcontextprotocol/"
_CLIENT = {"name": "aibom", "version": "1"}


@dataclass(frozen=True, slots=True)
class McpReply:
    """What a server answered. ``tools`` are its tools' definitions, each as JSON.

    ``authentication`` is ``none`` where it answered without, ``required`` where it refused;
    ``scheme`` is what it then asked for (RFC 9110, section 11.6.1).
    """

    endpoint: str
    transport: str
    protocol: str = ""
    name: str = ""
    version: str = ""
    authentication: str = ""
    scheme: str = ""
    tools: tuple[str, ...] = ()


def request(method: str, number: int, cursor: str = "") -> bytes:
    """Return a request after (or of) the handshake."""
    params: dict[str, Any] = {"cursor": cursor} if cursor else {}
    if method == "initialize":
        params = {"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": _CLIENT}
    return _message({"id": number, "method": method, "params": params})


def stateless_request(method: str, number: int, cursor: str = "") -> bytes:
    """Return a request of the revision without a handshake."""
    meta = {
        f"{_META}protocolVersion": STATELESS,
        f"{_META}clientCapabilities": {},
        f"{_META}clientInfo": _CLIENT,
    }
    params: dict[str, Any] = {"_meta": meta} | ({"cursor": cursor} if cursor else {})
    return _message({"id": number, "method": method, "params": params})


def initialized() -> bytes:
    """Return the notification that ends the handshake."""
    return _message({"method": "notifications/initialized"})


def _message(fields: dict[str, Any]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **fields}).encode()


def answer_to(number: int, data: bytes) -> dict[str, Any] | None:
    """Return the response to a request, or None where ``data`` is something else.

    A response has a ``result`` or an ``error``; of an error the id may be missing.
    """
    message = load_object(data)
    if message is None:
        return None
    if isinstance(message.get("result"), dict) and message.get("id") == number:
        return message
    failed = isinstance(message.get("error"), dict) and message.get("id") in (number, None)
    return message if failed else None


def identity(result: dict[str, Any]) -> tuple[str, str]:
    """Return what a server calls itself in the result of ``initialize`` or ``server/discover``."""
    meta = result.get("_meta")
    said = result.get("serverInfo")
    if not isinstance(said, dict) and isinstance(meta, dict):
        said = meta.get(f"{_META}serverInfo")
    if not isinstance(said, dict):
        return "", ""
    return text_of(said, "name")[:200], text_of(said, "version")[:100]


def tools_of(result: dict[str, Any]) -> tuple[list[str], str]:
    """Return the tools on a page of ``tools/list``, each as JSON, and the cursor of the next.

    Raises ValueError where they are nested too deeply for whoever reads them next.
    """
    listed = result.get("tools")
    _check_depth(listed)
    found = (
        [json.dumps(tool) for tool in listed if _is_tool(tool)] if isinstance(listed, list) else []
    )
    cursor = result.get("nextCursor")
    return found, cursor if isinstance(cursor, str) and len(cursor) < 4096 else ""


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for one in level
            if isinstance(one, dict | list)
            for child in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return
    raise ValueError(f"tools nested deeper than {MAX_DEPTH} levels")


def _is_tool(tool: object) -> bool:
    return isinstance(tool, dict) and isinstance(tool.get("name"), str)


class Events:
    """Server-sent events out of the chunks that a stream comes in."""

    def __init__(self) -> None:
        """Begin at the start of a stream."""
        self._rest: list[bytes] = []
        self._name = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[tuple[str, bytes]]:
        """Yield the events, as name and data, that a chunk completes."""
        self._rest.append(chunk)
        if b"\n" not in chunk:
            return  # a line that comes in many pieces is put together once
        *lines, rest = b"".join(self._rest).replace(b"\r\n", b"\n").split(b"\n")
        self._rest = [rest]
        for line in lines:
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if field == b"event":
                self._name = value
            elif field == b"data":
                self._data.append(value)
            elif not line:
                if self._data:
                    yield self._name.decode("ascii", "replace"), b"\n".join(self._data)
                self._name, self._data = b"", []
