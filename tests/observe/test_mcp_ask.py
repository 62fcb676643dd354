"""Asking MCP servers on the loopback: those that answer, those that refuse, and hostile ones."""

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from aibom.observe.mcp import ask as mcpask
from aibom.observe.mcp.ask import ask
from aibom.observe.network.httpwire import Place

OWN = "/proc/thread-self/ns/net"
TOOL = {"name": "add", "inputSchema": {"type": "object"}}
Handler = Callable[[str, str, bytes, socket.socket], None]
Serve = Callable[[Handler], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve on a port of the loopback; a handler gets method, path, body and the socket."""
    listeners: list[socket.socket] = []

    def one(connection: socket.socket, handler: Handler) -> None:
        with connection, suppress(OSError):
            data = b""
            while b"\r\n\r\n" not in data:
                data += connection.recv(4096) or b"\r\n\r\n"
            head, _, body = data.partition(b"\r\n\r\n")
            length = next(
                (int(h[15:]) for h in head.split(b"\r\n") if h.startswith(b"Content-Length:")), 0
            )
            while len(body) < length:
                body += connection.recv(4096)
            method, path, *_ = head.decode().split(" ")
            handler(method, path, body, connection)

    def accept(listener: socket.socket, handler: Handler) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=one, args=(connection, handler), daemon=True).start()

    def started(handler: Handler) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=accept, args=(listener, handler), daemon=True).start()
        return int(listener.getsockname()[1])

    yield started
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def send(to: socket.socket, body: bytes, status: str = "200 OK", *headers: str) -> None:
    kind = (
        ()
        if any(h.startswith("Content-Type") for h in headers)
        else ("Content-Type: application/json",)
    )
    lines = [f"HTTP/1.1 {status}", *kind, *headers, f"Content-Length: {len(body)}", "", ""]
    to.sendall("\r\n".join(lines).encode() + body)


def result(body: bytes, value: object) -> bytes:
    return json.dumps(
        {"jsonrpc": "2.0", "id": json.loads(body).get("id"), "result": value}
    ).encode()


def asked(port: int, *paths: str) -> mcpask.McpReply:
    return ask(OWN, Place("127.0.0.1", port), paths or ("/mcp",))


def answering(tools: object) -> Handler:
    def handle(method: str, path: str, body: bytes, to: socket.socket) -> None:
        if path != "/mcp" or method != "POST":
            send(to, b"", "404 Not Found")
        elif b'"initialize"' in body:
            said = {"protocolVersion": "2025-06-18", "serverInfo": {"name": "n", "version": "1"}}
            send(to, result(body, said), "200 OK", "Mcp-Session-Id: s1")
        elif b'"tools/list"' in body:
            send(to, result(body, tools))
        else:
            send(to, b"", "202 Accepted")

    return handle


def test_a_server_with_a_session_that_is_ended(serve: Serve) -> None:
    seen: list[tuple[str, str]] = []
    plain = answering({"tools": [TOOL]})

    def handle(method: str, path: str, body: bytes, to: socket.socket) -> None:
        seen.append((method, json.loads(body)["method"] if body else ""))
        plain(method, path, body, to)

    reply = asked(serve(handle))
    assert (reply.transport, reply.protocol, reply.name) == ("streamable-http", "2025-06-18", "n")
    assert [json.loads(t) for t in reply.tools] == [TOOL]
    assert reply.authentication == "none"
    assert seen == [
        ("POST", "initialize"),
        ("POST", "notifications/initialized"),
        ("POST", "tools/list"),
        ("DELETE", ""),
    ]


def test_a_server_of_the_generation_without_a_handshake(serve: Serve) -> None:
    def handle(_method: str, _path: str, body: bytes, to: socket.socket) -> None:
        message = json.loads(body)
        if "_meta" not in message["params"]:
            error = {"code": -32602, "message": "no _meta"}
            send(to, json.dumps({"jsonrpc": "2.0", "id": 1, "error": error}).encode(), "400 Bad")
        elif message["method"] == "server/discover":
            meta = {"io.modelcontextprotocol/serverInfo": {"name": "n", "version": "1"}}
            send(to, result(body, {"supportedVersions": ["2026-07-28"], "_meta": meta}))
        else:
            event = b"event: message\ndata: " + result(body, {"tools": [TOOL]}) + b"\n\n"
            send(to, event, "200 OK", "Content-Type: text/event-stream")

    reply = asked(serve(handle))
    assert (reply.protocol, reply.name, len(reply.tools)) == ("2026-07-28", "n", 1)


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_a_server_that_wants_to_know_who_asks(serve: Serve, status: str) -> None:
    challenge = 'WWW-Authenticate: Bearer realm="x"'
    reply = asked(serve(lambda _m, _p, _b, to: send(to, b"no", status, challenge)))
    assert (reply.authentication, reply.scheme, reply.tools) == ("required", "Bearer", ())


def test_pages_are_followed_and_circles_are_not(serve: Serve) -> None:
    reply = asked(serve(answering({"tools": [TOOL], "nextCursor": "again"})))
    assert len(reply.tools) == 2


def test_redirects_are_not_followed(serve: Serve) -> None:
    met: list[str] = []
    other = serve(lambda _m, path, _b, to: (met.append(path), send(to, b""))[1])
    location = f"Location: http://127.0.0.1:{other}/mcp"
    port = serve(lambda _m, _p, _b, to: send(to, b"", "307 Temporary Redirect", location))
    with pytest.raises(OSError, match="no answer"):
        asked(port, "/mcp", "/sse")
    assert met == []


def endless(_method: str, _path: str, _body: bytes, to: socket.socket) -> None:
    to.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        to.sendall(b" " * 65536)


def drip(_method: str, _path: str, _body: bytes, to: socket.socket) -> None:
    to.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Slow: ")
    while True:
        to.sendall(b"x")
        time.sleep(0.02)


def huge_length(_method: str, _path: str, _body: bytes, to: socket.socket) -> None:
    to.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{"
    )
    time.sleep(30)


def chunks_without_end(_method: str, _path: str, _body: bytes, to: socket.socket) -> None:
    to.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        to.sendall(b"ffffffffffffffff\r\n" + b"x" * 65536)


def continuing(_method: str, _path: str, _body: bytes, to: socket.socket) -> None:
    while True:
        to.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


@pytest.mark.parametrize(
    "handler",
    [
        endless,
        drip,
        huge_length,
        chunks_without_end,
        continuing,
        answering({"tools": [{"name": "a", "description": "x" * 10_000_000}]}),
        answering({"tools": [{"name": str(n)} for n in range(2000)]}),
        lambda _m, _p, _b, to: send(to, b"{" * 50_000),
        lambda _m, _p, _b, to: to.sendall(b"\x16\x03\x01 this is no HTTP\r\n\r\n"),
        lambda _m, _p, _b, to: to.sendall(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 5000 + b"\r\n"),
        lambda _m, _p, _b, _to: None,
    ],
)
def test_hostile_servers_cost_little(
    serve: Serve, handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcpask, "SECONDS", 1.5)
    with pytest.raises(OSError, match=r".+"):
        asked(serve(handler), "/mcp", "/sse")


def test_a_session_cannot_smuggle_headers(serve: Serve) -> None:
    heads: list[bytes] = []

    def handle(_method: str, _path: str, body: bytes, to: socket.socket) -> None:
        heads.append(body)
        said = {"protocolVersion": "1\r\nX-Evil: 1", "serverInfo": {"name": "\x1b[31mn"}}
        send(to, result(body or b"{}", said), "200 OK", "Mcp-Session-Id: a b\tc")

    reply = asked(serve(handle))
    assert "\r" not in reply.protocol
    assert "\x1b" not in reply.name


@pytest.mark.parametrize(
    "endpoint", ["http://192.0.2.1/m", "//192.0.2.1/m", "/m HTTP/1.1\r\nX: y", "m", ""]
)
def test_an_sse_server_cannot_send_elsewhere(serve: Serve, endpoint: str) -> None:
    def handle(method: str, _path: str, _body: bytes, to: socket.socket) -> None:
        if method == "POST":
            send(to, b"", "405 Method Not Allowed")
        else:
            event = f"event: endpoint\ndata: {endpoint}\n\n".encode()
            send(to, event, "200 OK", "Content-Type: text/event-stream")

    with pytest.raises(OSError, match="no answer"):
        asked(serve(handle), "/sse")


def test_a_namespace_that_is_gone(serve: Serve) -> None:
    with pytest.raises(OSError, match="No such file"):
        ask(f"/proc/{os.getpid()}/ns/none", Place("127.0.0.1", serve(endless)), ("/",))
