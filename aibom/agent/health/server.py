"""The agent's HTTP server: metrics, health and readiness."""

import socket
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from threading import Thread

from aibom.agent.config.validate import address_of
from aibom.agent.errors import AgentError
from aibom.agent.health.answers import (
    INDEX,
    TEXT,
    exposed,
    hindrance,
    illness,
    packed,
    said,
)
from aibom.agent.health.lag import Lag
from aibom.agent.health.listener import SEND_SECONDS, Bounded, Listener
from aibom.agent.health.metrics import Metrics
from aibom.agent.log import Log
from aibom.agent.status import Status

#: Seconds for which the end of the server's thread is waited for.
_END_SECONDS = 1.0


class Server:
    """Answers GET and HEAD of /metrics, /healthz, /readyz and / at one address.

    Health and readiness are 200, or 503 with one line for each reason (or JSON, when asked for).
    Whatever a client does costs at most ``listener.MAX_CONNECTIONS`` threads, some seconds and
    some KiB each, and one that begins to ask pushes out the one that has hesitated longest.
    """

    def __init__(
        self,
        listen: str,
        status: Callable[[], Status],
        log: Log,
        *,
        lag: Lag | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare to listen at ADDRESS:PORT; port 0 takes a free one, no address means all."""
        self.metrics = Metrics(status, lag, clock)
        self._listen = listen
        self._status = status
        self._log = log
        self._clock = clock
        self._began = clock()
        self._listener: Listener | None = None
        self._thread: Thread | None = None

    @property
    def address(self) -> str:
        """Where it listens, as ADDRESS:PORT; empty when it does not."""
        if self._listener is None:
            return ""
        host, port = self._listener.socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def start(self) -> None:
        """Begin to listen. Raises AgentError when the address cannot be had."""
        try:
            family, address = _resolved(self._listen)
            self._listener = Listener(family, address, self._handler(), self._failed)
        except (OSError, ValueError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise AgentError(
                f"cannot listen at {self._listen}: {reason or error}; name another address with"
                " --listen, or end what listens there"
            ) from None
        self._thread = Thread(target=self._listener.run, name="aibom-health", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no longer. May be called again, and without a start."""
        if self._listener is not None and self._thread is not None:
            self._listener.end()
            self._thread.join(_END_SECONDS)
            self._listener.server_close()
            self._listener = self._thread = None

    def answer(self, path: str, accept: str) -> tuple[HTTPStatus, bytes, str]:
        """Return the answer to a request: how it went, body and content type."""
        status = self._status()
        if path == "/metrics":
            return HTTPStatus.OK, *exposed(self.metrics.registry, accept)
        if path in ("/healthz", "/readyz"):
            asked = illness if path == "/healthz" else hindrance
            problems = asked(status, self._began, self._clock())
            code = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
            return code, *said(problems, accept)
        if path == "/":
            return HTTPStatus.OK, INDEX.encode(), TEXT
        return HTTPStatus.NOT_FOUND, b"there is /metrics, /healthz and /readyz\n", TEXT

    def _failed(self, error: BaseException) -> None:
        self._log.warning("a request for metrics or health failed", error=repr(error))

    def _handler(self) -> type["_Handler"]:
        return type("_OurHandler", (_Handler,), {"answer": staticmethod(self.answer)})


class _Handler(BaseHTTPRequestHandler):
    """One connection, one request: HTTP/1.0 has no keep-alive that would have to be bounded."""

    server: Listener
    error_content_type = TEXT
    error_message_format = "%(code)d %(message)s\n"
    answer: Callable[[str, str], tuple[HTTPStatus, bytes, str]]

    def setup(self) -> None:
        """Read within bounds of time and size."""
        super().setup()
        self.rfile.close()
        self.rfile = Bounded(self.connection).buffered()

    def do_GET(self) -> None:
        """Answer."""
        self.server.heard(self.connection)
        self.connection.settimeout(SEND_SECONDS)
        path = self.path.partition("?")[0]
        code, body, content_type = self.answer(path, self.headers.get("Accept", ""))
        encoding = ""
        if path == "/metrics":
            body, encoding = packed(body, self.headers.get("Accept-Encoding", ""))
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

    def version_string(self) -> str:
        """Return who answers, without a version for strangers."""
        return "aibom"

    def send_error(self, code: int, *_: object) -> None:
        """Refuse a request, without repeating any of it."""
        super().send_error(code)

    def log_message(self, *_: object) -> None:
        """Say nothing: a probe every ten seconds is no news, and a path is a stranger's text."""


def _resolved(listen: str) -> tuple[int, tuple[str, int]]:
    """Return the address family and address of ADDRESS:PORT."""
    host, port = address_of(listen)
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    return family, (str(address[0]), int(address[1]))
