"""A listening socket, and what its connections may cost."""

import io
import select
import socket
import socketserver
import time
from collections.abc import Callable
from contextlib import suppress
from threading import BoundedSemaphore, Lock, Thread
from typing import Any, cast

#: Most connections at a time. Prometheus and the kubelet need one each.
MAX_CONNECTIONS = 8
#: Seconds for a whole request to arrive, and bytes of it; Prometheus sends some hundred.
READ_SECONDS = 5.0
MAX_REQUEST = 16 * 1024
#: Seconds for a whole answer to be taken.
SEND_SECONDS = 5.0
#: Seconds for which a connection may be silent before another one may push it out. Whoever means it
#: sends the request together with the end of the handshake.
GRACE_SECONDS = 0.025
#: Seconds for which a new connection waits for the end of one that it pushes out.
_WAIT_SECONDS = 1.0
#: Seconds of rest when the kernel gives no connection, as when all descriptors are in use.
_REST_SECONDS = 0.1


class Bounded(io.RawIOBase):
    """What a client sends: raises TimeoutError when it takes too long or is too much."""

    def __init__(self, connection: socket.socket) -> None:
        """Begin to count."""
        self._connection = connection
        self._until = time.monotonic() + READ_SECONDS
        self._left = MAX_REQUEST

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what there is."""
        rest = self._until - time.monotonic()
        if rest <= 0 or self._left <= 0:
            raise TimeoutError
        self._connection.settimeout(rest)
        count = self._connection.recv_into(buffer, min(len(buffer), self._left))
        self._left -= count
        return count

    def buffered(self) -> io.BufferedReader:
        """Return it with a small buffer."""
        return io.BufferedReader(self, 4096)


class Listener(socketserver.TCPServer):
    """Accepts connections, and gives each a thread of its own, ``MAX_CONNECTIONS`` at most.

    When there are as many, the one that has been silent for longest is cut off: half-open
    connections, however many, cannot keep a probe waiting.
    """

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(
        self,
        family: int,
        address: tuple[str, int],
        handler: type[socketserver.BaseRequestHandler],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Listen; raises OSError. ``failed`` is told of what should not happen."""
        self.address_family = family
        self._failed = failed
        self._slots = BoundedSemaphore(MAX_CONNECTIONS)
        self._lock = Lock()
        self._silent: dict[socket.socket, float] = {}
        self._ended = False
        super().__init__(address, handler)

    def run(self) -> None:
        """Accept connections until the end. Nothing wakes it but a connection."""
        while not self._ended:
            try:
                self.handle_request()
            except Exception as error:  # noqa: BLE001 - metrics must come back by themselves
                self._failed(error)
                time.sleep(_REST_SECONDS)

    def end(self) -> None:
        """Accept nothing more, which wakes ``run``."""
        self._ended = True
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def heard(self, connection: socket.socket) -> None:
        """Take that a whole request has come: from now on it is our turn."""
        with self._lock:
            self._silent.pop(connection, None)

    def get_request(self) -> tuple[socket.socket, object]:
        """Accept a connection, and rest when there is none to be had."""
        try:
            return cast("tuple[socket.socket, object]", super().get_request())
        except OSError:
            if not self._ended:
                time.sleep(_REST_SECONDS)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a connection its thread."""
        if not self._slot():
            self.shutdown_request(request)
            return
        with self._lock:
            self._silent[request] = time.monotonic()
        thread = Thread(
            target=self._serve, args=(request, client_address), name="aibom-http", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:  # no more threads are to be had
            self._let_go(request)

    def _serve(self, request: socket.socket, client_address: object) -> None:
        try:
            self.finish_request(request, client_address)
        except OSError:
            pass  # the client has gone, or was cut off
        except Exception as error:  # noqa: BLE001 - one request must not cost the others
            self._failed(error)
        finally:
            self._let_go(request)

    def _let_go(self, request: socket.socket) -> None:
        self.heard(request)
        self.shutdown_request(request)
        self._slots.release()

    def _slot(self) -> bool:
        """Take a place for a connection; whoever asks in earnest gives one back at once."""
        if self._slots.acquire(timeout=GRACE_SECONDS if self._all_are_new() else 0.0):
            return True
        self._cut_off()
        return self._slots.acquire(timeout=_WAIT_SECONDS)

    def _all_are_new(self) -> bool:
        with self._lock:
            oldest = next(iter(self._silent.values()), time.monotonic())
        return time.monotonic() - oldest < GRACE_SECONDS

    def _cut_off(self) -> None:
        """End the connection that has been silent for longest."""
        with self._lock:
            for connection in self._silent:
                if not _has_more(connection):
                    del self._silent[connection]
                    with suppress(OSError):
                        connection.shutdown(socket.SHUT_RDWR)
                    return


def _has_more(connection: socket.socket) -> bool:
    """Whether something has come that its thread had no time to read: that is not its fault."""
    waiting = select.poll()
    waiting.register(connection, select.POLLIN)
    return bool(waiting.poll(0))
