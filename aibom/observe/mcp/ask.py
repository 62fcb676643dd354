"""Asking a listening MCP server for its tools: the one thing that speaks, and only when told to.

One server is asked at its own listening address, from inside its network namespace. Nothing but
``initialize``, ``server/discover`` and ``tools/list`` is sent; no tool is called, no redirect is
followed, no credentials are offered. Time and bytes are bounded for the whole conversation.
"""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from http.client import HTTPException

from aibom.formats.mcp import messages
from aibom.formats.mcp.messages import McpReply
from aibom.formats.text import printable
from aibom.observe.network import netns
from aibom.observe.network.httpwire import Answer, Limits, Place, Wire

#: Most seconds that one server is talked to.
SECONDS = 10.0
#: Most bytes that are read of one server.
BYTES = 1 << 20
_MAX_PAGES = 20
_JSON = "application/json"
_EVENTS = "text/event-stream"


class NoAnswerError(OSError):
    """A server that gave no answer of MCP at any path that was tried."""


def ask(namespace: str, place: Place, paths: Sequence[str]) -> McpReply:
    """Return what the MCP server at ``place`` says of itself and its tools.

    ``namespace`` is the path of its /proc/PID/ns/net. ``paths`` are tried one after another, first
    as endpoints of streamable HTTP, then of the older HTTP with SSE. Raises OSError where the
    namespace may not be entered, and where nothing answers within the limits.
    """
    descriptor = netns.open_namespace(namespace)
    try:
        return netns.run_inside(descriptor, lambda: _ask(place, paths))
    finally:
        os.close(descriptor)


def _ask(place: Place, paths: Sequence[str]) -> McpReply:
    wire = Wire(place, Limits(SECONDS, BYTES))
    try:
        for way in (_streamable, _legacy):
            for path in paths:
                if (reply := way(wire, path)) is not None:
                    return reply
    except TimeoutError:  # of a socket without a number, which a recording could not repeat
        raise TimeoutError(errno.ETIMEDOUT, "it took too long to answer") from None
    except (HTTPException, ValueError, RecursionError) as error:
        raise NoAnswerError(
            errno.EPROTO, f"not understood: {printable(repr(error), 200)}"
        ) from None
    raise NoAnswerError(errno.ENOMSG, f"no answer of MCP at {', '.join(paths)}")


def _refused(wire: Wire, path: str, transport: str, answer: Answer) -> McpReply | None:
    """Return the reply of a server that wants to know who asks (RFC 9110, 15.5.2 and 15.5.4)."""
    if answer.status not in (401, 403):
        return None
    scheme = answer.header("WWW-Authenticate").split(" ")[0]
    return McpReply(
        wire.url(path), transport, authentication="required", scheme=printable(scheme, 40)
    )


def _streamable(wire: Wire, path: str) -> McpReply | None:
    """Ask over streamable HTTP, with a handshake, else without one; None: it is not there."""
    with wire.send("POST", path, _headers(), messages.request("initialize", 1)) as answer:
        if refused := _refused(wire, path, "streamable-http", answer):
            return refused
        message = _message(answer, 1)
        session = answer.header("Mcp-Session-Id")
    if message is None:
        return None
    result = message.get("result")
    if not isinstance(result, dict):
        return _stateless(wire, path)
    protocol = printable(str(result.get("protocolVersion", "")), 40)
    headers = _headers(protocol=protocol, session=session)
    try:
        with wire.send("POST", path, headers, messages.initialized()):
            pass

        def page(number: int, cursor: str) -> dict[str, object] | None:
            body = messages.request("tools/list", number, cursor)
            with wire.send("POST", path, headers, body) as answer:
                return _message(answer, number)

        return _told(McpReply(wire.url(path), "streamable-http", protocol), result, page)
    finally:
        if session:
            with contextlib.suppress(OSError, HTTPException, ValueError):
                wire.limits.spare()
                with wire.send("DELETE", path, headers, b""):
                    pass


def _stateless(wire: Wire, path: str) -> McpReply | None:
    def post(method: str, number: int, cursor: str = "") -> dict[str, object] | None:
        headers = _headers(protocol=messages.STATELESS) | {"Mcp-Method": method}
        body = messages.stateless_request(method, number, cursor)
        with wire.send("POST", path, headers, body) as answer:
            return _message(answer, number)

    result = (post("server/discover", 2) or {}).get("result")
    if not isinstance(result, dict):
        return None

    def page(number: int, cursor: str) -> dict[str, object] | None:
        return post("tools/list", number, cursor)

    reply = McpReply(wire.url(path), "streamable-http", messages.STATELESS)
    return _told(reply, result, page)


def _legacy(wire: Wire, path: str) -> McpReply | None:
    """Ask over HTTP with SSE (revision 2024-11-05): answers come in a stream that stays open."""
    with wire.send("GET", path, {"Accept": _EVENTS}, b"") as stream:
        if refused := _refused(wire, path, "sse", stream):
            return refused
        if stream.status != 200 or _EVENTS not in stream.header("Content-Type"):
            return None
        events = _events(stream)
        name, data = next(events, ("", b""))
        target = wire.own_path(data.decode("ascii", "replace").strip())
        if name != "endpoint" or not target:
            return None

        def post(body: bytes, number: int) -> dict[str, object] | None:
            with wire.send("POST", target, {"Content-Type": _JSON}, body) as accepted:
                if not number or accepted.status >= 300:
                    return None
            found = (messages.answer_to(number, data) for _, data in events)
            return next((message for message in found if message is not None), None)

        result = (post(messages.request("initialize", 1), 1) or {}).get("result")
        if not isinstance(result, dict):
            return None
        post(messages.initialized(), 0)

        def page(number: int, cursor: str) -> dict[str, object] | None:
            return post(messages.request("tools/list", number, cursor), number)

        protocol = printable(str(result.get("protocolVersion", "")), 40)
        return _told(McpReply(wire.url(path), "sse", protocol), result, page)


def _told(
    reply: McpReply,
    result: dict[str, object],
    page: Callable[[int, str], dict[str, object] | None],
) -> McpReply:
    """Return everything that a server says, which has said who it is in ``result``."""
    name, version = messages.identity(result)
    tools = _all_tools(page)
    return replace(reply, name=name, version=version, authentication="none", tools=tools)


def _all_tools(page: Callable[[int, str], dict[str, object] | None]) -> tuple[str, ...]:
    tools: list[str] = []
    cursor = ""
    for number in range(10, 10 + _MAX_PAGES):
        result = (page(number, cursor) or {}).get("result")
        if not isinstance(result, dict):
            break  # a server without tools does not know the method
        found, following = messages.tools_of(result)
        tools += found
        if len(tools) > messages.MAX_TOOLS:
            raise NoAnswerError(errno.E2BIG, f"more than {messages.MAX_TOOLS} tools")
        if not following or following == cursor:
            break
        cursor = following
    return tuple(sorted(tools))


def _headers(protocol: str = "", session: str = "") -> dict[str, str]:
    headers = {"Accept": f"{_JSON}, {_EVENTS}", "Content-Type": _JSON}
    headers |= {"MCP-Protocol-Version": protocol} if protocol else {}
    return headers | ({"Mcp-Session-Id": session} if session else {})


def _message(answer: Answer, number: int) -> dict[str, object] | None:
    """Return the response to a request out of a body, or of the events of one."""
    if answer.status >= 300 and answer.status not in (400, 404, 406, 415):
        return None
    if _EVENTS in answer.header("Content-Type"):
        found = (messages.answer_to(number, data) for _, data in _events(answer))
        return next((message for message in found if message is not None), None)
    return messages.answer_to(number, b"".join(answer.chunks()))


def _events(answer: Answer) -> Iterator[tuple[str, bytes]]:
    events = messages.Events()
    for chunk in answer.chunks():
        yield from events.feed(chunk)
