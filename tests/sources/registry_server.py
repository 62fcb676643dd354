"""A registry on loopback after the OCI distribution specification, and every bad one.

``answers`` replace what it says at a path; they get the request's handler.
"""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aibom.formats.containers import oci
from tests.sources.images import Store

Answer = Callable[["Handler"], None]


class Registry(Store):
    """What the server serves, and what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.host = ""
        self.repository = "team/app"
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.referrers_api = True
        self.guard: Answer | None = None

    def name(self, tag: str = "latest") -> str:
        return f"docker://{self.host}/{self.repository}:{tag}"

    def paths(self) -> list[str]:
        return [path for _, path, _ in self.asked]


class Handler(BaseHTTPRequestHandler):
    registry: Registry
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _answer(self, body: bytes) -> None:
        self.form = dict(parse_qsl(body.decode()))
        self.registry.asked.append((self.command, self.path, dict(self.headers)))
        path = urlsplit(self.path).path
        if path in self.registry.answers:
            self.registry.answers[path](self)
        elif self.registry.guard is not None:
            self.registry.guard(self)
        else:
            self.serve()

    def serve(self) -> None:
        """Answer as a good registry does."""
        prefix = f"/v2/{self.registry.repository}/"
        kind, _, name = urlsplit(self.path).path.removeprefix(prefix).partition("/")
        if not self.path.startswith(prefix):
            self.reply(404)
        elif kind == "referrers":
            self.refer(name)
        else:
            digest = self.registry.names.get(name, name)
            data = self.registry.blobs.get(digest)
            if data is None:
                self.reply(404, b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}')
            else:
                self.reply(200, data, {"Content-Type": self.registry.types[digest]})

    def refer(self, digest: str) -> None:
        if not self.registry.referrers_api:
            self.reply(404)
            return
        found = self.registry.attached.get(digest, [])
        listed = {"schemaVersion": 2, "mediaType": oci.INDEX, "manifests": found}
        self.reply(200, json.dumps(listed).encode(), {"Content-Type": oci.INDEX})

    def reply(self, status: int, data: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(data))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that goes away in the middle is what the tests want."""


@contextmanager
def serving(
    registry: Registry, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[Registry]:
    """Serve a registry for the block; ``registry.host`` says where."""
    handler = type("RegistryHandler", (Handler,), {"registry": registry})
    server = Server((host, 0), handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    registry.host = f"{host}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
