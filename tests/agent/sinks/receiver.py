"""A receiver on loopback that takes events, and every bad one; and what is sent to it."""

import json
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aibom.agent.events import NewBom, NewFinding
from aibom.types.findings import Finding, FindingKind
from aibom.types.inventory import Workload

Answer = Callable[["Handler"], None]


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


@dataclass
class Receiver:
    """``answers`` are given one by one, then ``always``, which is 204 when it is not set."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    answers: deque[Answer] = field(default_factory=deque)
    always: Answer | None = None
    connections: int = 0

    @property
    def ids(self) -> list[str]:
        return [request.event["id"] for request in self.requests]


def status(number: int, body: bytes = b"", **headers: str) -> Answer:
    def answer(handler: "Handler") -> None:
        handler.reply(number, body, {k.replace("_", "-"): v for k, v in headers.items()})

    return answer


class Handler(BaseHTTPRequestHandler):
    receiver: Receiver
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.receiver.connections += 1

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:  # who sends it was killed
            self.close_connection = True
            return
        receiver = self.receiver
        receiver.requests.append(Request(self.path, dict(self.headers), body))
        answer = receiver.answers.popleft() if receiver.answers else receiver.always
        (answer or status(204))(self)

    def do_GET(self) -> None:
        """Note that somebody asked what nobody should."""
        self.receiver.requests.append(Request(f"GET {self.path}", {}, b""))
        self.reply(200)

    def reply(self, number: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(number)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_: Any) -> None:
        """A client that goes away in the middle is what the tests want."""


@contextmanager
def receiving(
    receiver: Receiver | None = None, context: ssl.SSLContext | None = None, port: int = 0
) -> Iterator[Receiver]:
    receiver = receiver or Receiver()
    server = _Server(("127.0.0.1", port), type("_Handler", (Handler,), {"receiver": receiver}))
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "https" if context else "http"
    receiver.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Said:
    """A log that keeps what it was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.standing: set[str] = set()

    def warning(self, message: str, /, **fields: Any) -> None:
        self.lines.append(" ".join([message, *(f"{k}={v}" for k, v in fields.items())]))

    def once(self, key: str, message: str, /, **fields: Any) -> None:
        if key not in self.standing:
            self.standing.add(key)
            self.warning(message, **fields)

    def clear(self, key: str, /, **_: Any) -> None:
        if key in self.standing:
            self.standing.discard(key)
            self.lines.append(f"over: {key}")

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def until(true: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for something that another thread does."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


POD = Workload("pod", "chat-7f", "shop", "uid-1")
KIND = FindingKind("undeclared-model", "AIBOM-001", "A model that nothing declares")


def finding(number: int = 1, severity: Any = "high", workload: Workload = POD) -> NewFinding:
    found = Finding(
        KIND,
        severity,
        "model:x",
        "llama",
        "mapped by python3",
        "no claim",
        "declare it",
        f"{number}",
    )
    return NewFinding(f"id-{number}", "node-1", workload, found, None, 1_790_000_000.5 + number)


def bom(number: int = 1, workload: Workload = POD, version: str = "1.6", size: int = 0) -> NewBom:
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": version,
        "version": number,
        "x": "y" * size,
    }
    text = json.dumps(document, indent=2) + "\n"
    return NewBom(f"bom-{workload.name}-{number}", "node-1", workload, "x.cdx.json", text)
