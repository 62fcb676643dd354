"""HTTP/1.1 to one hostile server: one connection per request, under limits of time and bytes.

``http.client`` reads the answers (RFC 9112), but over a source of our own: its timeouts begin
anew with each byte, so that a server that drips could hold it for hours.
"""

import errno
import io
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPResponse
from typing import Any, NamedTuple

_CHUNK = 1 << 16
_CONNECT_SECONDS = 3.0
#: What a server may name as the place for further messages (RFC 3986, path and query).
_PATH = re.compile(r"/[\w./?&=%~+:@!$,;*-]{0,2000}", re.ASCII)
# a session's name is visible ASCII (modelcontextprotocol.io, basic/transports)
_VISIBLE = re.compile(r"[\x21-\x7e]{0,1000}")


class Place(NamedTuple):
    """Where a server listens: an address without brackets, and a port."""

    host: str
    port: int


class Limits:
    """What is left of the time and the bytes that one conversation may take."""

    def __init__(self, seconds: float, size: int) -> None:
        """Begin now."""
        self._until = time.monotonic() + seconds
        self._left = size

    def seconds(self) -> float:
        """Return the seconds that are left. Raises TimeoutError when there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError(errno.ETIMEDOUT, "it took too long to answer")
        return left

    def take(self, size: int) -> None:
        """Count what was read. Raises OSError when it was more than allowed."""
        self._left -= size
        if self._left < 0:
            raise OSError(errno.EMSGSIZE, "its answers are too long")

    def spare(self) -> None:
        """Allow one last short exchange, to say goodbye."""
        self._until = max(self._until, time.monotonic() + 1.0)
        self._left = max(self._left, _CHUNK)


class _Source(io.RawIOBase):
    """A socket as http.client wants it, read under limits."""

    def __init__(self, connection: socket.socket, limits: Limits) -> None:
        self._connection = connection
        self._limits = limits

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.settimeout(self._limits.seconds())
        count = self._connection.recv_into(buffer)
        self._limits.take(count)
        return count


class Answer:
    """The status, headers and body of an answer."""

    def __init__(self, response: HTTPResponse) -> None:
        """Take an answer whose head has been read."""
        self._response = response
        self.status = response.status

    def header(self, name: str) -> str:
        """Return a header fit to be sent back, or an empty string."""
        value = self._response.getheader(name) or ""
        if name.lower() == "mcp-session-id":
            return value if _VISIBLE.fullmatch(value) else ""
        return value[:1000]

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it comes. Raises OSError at the limits, HTTPException when broken."""
        while chunk := self._response.read1(_CHUNK):
            yield chunk


class Wire:
    """A server that requests are sent to; sockets are made where this is called."""

    def __init__(self, place: Place, limits: Limits) -> None:
        """Talk to ``place`` within ``limits``."""
        self._place = place
        self.limits = limits

    @property
    def _authority(self) -> str:
        host = f"[{self._place.host}]" if ":" in self._place.host else self._place.host
        return f"{host}:{self._place.port}"

    def url(self, path: str) -> str:
        """Return the URL of a path of this server."""
        return f"http://{self._authority}{path}"

    def own_path(self, target: str) -> str:
        """Return the path that a server names, empty where it leads to anybody else."""
        path = target.removeprefix(f"http://{self._authority}")
        return path if _PATH.fullmatch(path) and not path.startswith("//") else ""

    @contextmanager
    def send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Iterator[Answer]:
        """Send one request and give its answer, whose body can be read until the context ends."""
        seconds = min(_CONNECT_SECONDS, self.limits.seconds())
        with socket.create_connection(self._place, timeout=seconds) as connection:
            connection.sendall(self._head(method, path, headers, body) + body)
            response = HTTPResponse(_Source(connection, self.limits), method=method)  # type: ignore[arg-type]
            try:
                response.begin()
                yield Answer(response)
            finally:
                response.close()

    def _head(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._authority}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}"] if method == "POST" else []
        return "\r\n".join([*lines, "", ""]).encode("ascii")
