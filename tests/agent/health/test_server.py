"""The server, asked over real sockets."""

import gzip
import http.client
import json
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace

import pytest

from aibom.agent.errors import AgentError
from aibom.agent.health import listener
from aibom.agent.health.server import Server
from aibom.agent.status import Status
from tests.agent.health.statuses import BUSY, FRESH


class Said:
    """A log that keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def warning(self, message: str, **fields: str | float) -> None:
        self.lines.append(f"{message} {fields}")


class Agent:
    """An agent that is nothing but its status."""

    def __init__(self) -> None:
        self.status: Status = BUSY
        self.log = Said()
        self.now = 101.0
        self.server = Server("127.0.0.1:0", self._status, self.log, clock=lambda: self.now)

    def _status(self) -> Status:
        if not isinstance(self.status, Status):
            raise TypeError("no status")
        return self.status

    @property
    def port(self) -> int:
        return int(self.server.address.rpartition(":")[2])

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(
                method, path, headers={k.replace("_", "-"): v for k, v in headers.items()}
            )
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read()
        finally:
            connection.close()

    def raw(self, request: bytes) -> bytes:
        """Send bytes, and return what comes until the end."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            with suppress(OSError):
                connection.sendall(request)
                connection.shutdown(socket.SHUT_WR)
            found = b""
            with suppress(ConnectionError):
                while more := connection.recv(65536):
                    found += more
            return found


@pytest.fixture
def agent() -> Iterator[Agent]:
    made = Agent()
    made.server.start()
    yield made
    made.server.close()


def our_threads() -> int:
    return sum(t.name.startswith(("aibom-http", "aibom-health")) for t in threading.enumerate())


def test_metrics_are_those_of_the_newest_status(agent: Agent) -> None:
    code, headers, body = agent.ask("/metrics")
    assert code == 200
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b'aibom_components{kind="model"} 2.0\n' in body
    assert b"process_resident_memory_bytes " in body
    assert b"process_threads " in body
    assert b'process_disk_io_bytes_total{disk_io_direction="read"} ' in body
    assert b"aibom_read_bytes_total " in body
    agent.status = replace(BUSY, components={"model": 7})
    assert b'aibom_components{kind="model"} 7.0\n' in agent.ask("/metrics?x=y")[2]
    agent.server.metrics.lag.observe(0.7)
    assert b'aibom_lag_seconds_bucket{le="1.0"} 1.0\n' in agent.ask("/metrics")[2]


def test_open_metrics_and_gzip_for_those_who_ask(agent: Agent) -> None:
    wish = {"Accept": "application/openmetrics-text;version=1.0.0", "Accept_Encoding": "gzip"}
    _, headers, body = agent.ask("/metrics", **wish)
    assert headers["Content-Encoding"] == "gzip"
    assert headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert gzip.decompress(body).endswith(b"# EOF\n")


def test_health_and_readiness(agent: Agent) -> None:
    assert agent.ask("/healthz")[0] == agent.ask("/readyz")[0] == 200
    agent.status = FRESH
    assert agent.ask("/healthz")[0] == 200
    code, _, body = agent.ask("/readyz")
    assert (code, body) == (503, b"the first sweep is not published yet\n")
    agent.now += 700.0
    code, _, body = agent.ask("/healthz", Accept="application/json")
    assert code == 503
    assert json.loads(body)["reasons"] == ["the loop has not gone round for 700 s"]


def test_head_has_the_head_only(agent: Agent) -> None:
    code, headers, body = agent.ask("/metrics", "HEAD")
    assert (code, body) == (200, b"")
    assert int(headers["Content-Length"]) > 1000


@pytest.mark.parametrize(
    ("path", "method", "code"),
    [
        ("/", "GET", 200),
        ("/nothing", "GET", 404),
        ("/../../etc/passwd", "GET", 404),
        ("/metrics/", "GET", 404),
        ("/metrics", "POST", 501),
        ("/metrics", "DELETE", 501),
    ],
)
def test_other_requests(agent: Agent, path: str, method: str, code: int) -> None:
    assert agent.ask(path, method)[0] == code


GARBAGE = [
    b"",
    b"\0" * 5000,
    b"\r\n" * 5000,
    b"GET\r\n\r\n",
    b"GET /metrics\r\n",
    b"GET /metrics HTTP/9.9\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: x\r\n",  # its end never comes
    b"GET /metrics HTTP/1.1\r\n" + b"A: " + b"x" * 100_000 + b"\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\n" + b"A: x\r\n" * 2_000 + b"\r\n",
    b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" + os.urandom(300),  # the beginning of TLS
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nAccept: text/plain;version=1.0.0\r\n Set-Cookie: a=b\r\n\r\n",
    b"POST /metrics HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\nx",
    b"<script>alert(1)</script> /metrics HTTP/1.1\r\n\r\n",
]


@pytest.mark.parametrize("request_", GARBAGE)
def test_garbage_is_answered_or_not_and_harms_nobody(agent: Agent, request_: bytes) -> None:
    found = agent.raw(request_)
    assert b"\r\nSet-Cookie" not in found
    assert b"<script>" not in found
    assert agent.ask("/healthz")[0] == 200
    assert not agent.log.lines


def test_a_failure_costs_one_request(agent: Agent) -> None:
    agent.status = None  # type: ignore[assignment]
    assert agent.raw(b"GET /metrics HTTP/1.0\r\n\r\n") == b""
    assert "no status" in agent.log.lines[0]
    agent.status = BUSY
    assert agent.ask("/metrics")[0] == 200


def test_many_scrapes_at_once(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    # the clients share this interpreter, and wait for each other before they send
    monkeypatch.setattr(listener, "GRACE_SECONDS", 10.0)
    with ThreadPoolExecutor(24) as pool:
        found = list(pool.map(lambda _: agent.ask("/metrics")[::2], range(200)))
    assert {code for code, _ in found} == {200}
    assert all(body.startswith(b"# HELP") for _, body in found)


def test_silent_connections_keep_nobody_waiting_and_are_few(agent: Agent) -> None:
    agent.ask("/metrics")
    before = len(os.listdir("/proc/self/fd"))
    with ExitStack() as stack:
        for _ in range(300):
            silent = socket.create_connection(("127.0.0.1", agent.port), timeout=30)
            stack.callback(silent.close)
            silent.sendall(b"GET /metrics HTTP/1.1\r\nA:")
        assert agent.ask("/healthz")[0] == 200
        assert our_threads() <= listener.MAX_CONNECTIONS + 1
        # ours are open; the server's own are as few as its threads
        assert len(os.listdir("/proc/self/fd")) <= before + 300 + listener.MAX_CONNECTIONS + 1
        assert agent.ask("/metrics")[0] == 200


def test_one_that_dribbles_is_cut_off(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "READ_SECONDS", 0.3)
    with socket.create_connection(("127.0.0.1", agent.port), timeout=0.05) as connection:
        ended = False
        for _ in range(2_000):
            try:
                connection.sendall(b"x")
                ended = connection.recv(1) == b""
            except TimeoutError:
                continue
            except OSError:
                ended = True
            if ended:
                break
        assert ended


def test_memory_stays_flat_under_a_flood(agent: Agent) -> None:
    def resident() -> int:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    flood = b"GET /metrics HTTP/1.1\r\n" + b"A: " + b"x" * 60_000
    for _ in range(100):
        agent.raw(flood)
    before = resident()
    for _ in range(500):
        agent.raw(flood)
        agent.ask("/metrics")
    assert resident() - before < 4 * 2**20
    assert our_threads() <= listener.MAX_CONNECTIONS + 1


def test_an_address_that_is_taken_is_said(agent: Agent) -> None:
    with pytest.raises(AgentError, match=rf"cannot listen at 127\.0\.0\.1:{agent.port}: .*in use"):
        Server(f"127.0.0.1:{agent.port}", lambda: BUSY, Said()).start()


@pytest.mark.parametrize(
    "listen", ["", "9464", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:99999", "192.0.2.1:0"]
)
def test_an_address_that_cannot_be_had_is_said(listen: str) -> None:
    with pytest.raises(AgentError, match="cannot listen at"):
        Server(listen, lambda: BUSY, Said()).start()


def test_the_other_kind_of_address() -> None:
    server = Server("[::1]:0", lambda: BUSY, Said())
    try:
        server.start()
    except AgentError as error:
        pytest.skip(f"no IPv6 here: {error}")
    assert server.address.startswith("[::1]:")
    with socket.create_connection(("::1", int(server.address.rpartition(":")[2]))) as connection:
        connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.0 ")
    server.close()


def test_nothing_is_left_after_the_end() -> None:
    agent = Agent()
    agent.server.close()
    assert agent.server.address == ""
    agent.server.start()
    port = agent.port
    agent.ask("/metrics")
    agent.server.close()
    agent.server.close()
    for thread in threading.enumerate():
        if thread.name == "aibom-http":
            thread.join(30)  # the answer is there a moment before the end of who gave it
    assert our_threads() == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
