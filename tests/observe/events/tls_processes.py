"""Real TLS clients and a server for the tests of the TLS sensor."""

import contextlib
import functools
import http.server
import os
import re
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from aibom.observe.events.errors import SensorError
from aibom.observe.events.libc import detached_mount
from aibom.observe.events.tlsrequests import Request, TlsRequests

SECRET = "hf_TopSecret"  # noqa: S105 - it is none

#: Sends what each line of its input says: method, path, length of the body.
CLIENT = """
import http.client, ssl, sys
context = ssl._create_unverified_context()
print("ready", flush=True)
for line in sys.stdin:
    method, path, length = line.split()
    connection = http.client.HTTPSConnection("localhost", int(sys.argv[1]), context=context)
    headers = {"Authorization": "Bearer hf_TopSecret", "Cookie": "hf_TopSecret"}
    connection.request(method, path, b"hf_TopSecret" * int(length) or None, headers)
    print(connection.getresponse().status, flush=True)
    connection.close()
"""

#: Hands requests to OpenSSL without a network: each line of its input says how many.
WRITER = """
import os, ssl, sys
data = bytes.fromhex("".join(sys.argv[4:])) or b"GET /x HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n"
os.sched_setaffinity(0, [int(sys.argv[3])])
a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.load_cert_chain(sys.argv[1], sys.argv[2])
server = server.wrap_bio(b, a, server_side=True)
client = ssl._create_unverified_context().wrap_bio(a, b, server_hostname="localhost")
for _ in range(5):
    for side in (client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            pass
print("ready", flush=True)
for line in sys.stdin:
    for _ in range(int(line)):
        client.write(data)
        b.read()
    print("done", flush=True)
"""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@functools.cache
def certificate(folder: Path) -> tuple[str, str]:
    """Return the files of a self-signed certificate for localhost and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("makes a certificate with openssl, which is not installed")
    paths = str(folder / "cert.pem"), str(folder / "key.pem")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    made = [*command.split(), "-out", paths[0], "-keyout", paths[1]]
    subprocess.run(made, check=True, capture_output=True)
    return paths


@functools.cache
def environment(folder: Path) -> dict[str, str]:
    """Return an environment whose OpenSSL is a copy: no other process on the machine maps it."""
    program = "import ssl; print(open('/proc/self/maps').read())"
    maps = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    found = re.search(r" (/.*/libssl[^/]*)$", maps.stdout.decode(), re.MULTILINE)
    if found is None:
        pytest.skip("this Python maps no libssl: OpenSSL is linked into it")
    (folder / "lib").mkdir()
    shutil.copy(found[1], folder / "lib")
    return os.environ | {"LD_LIBRARY_PATH": str(folder / "lib")}


@contextlib.contextmanager
def server(folder: Path) -> Iterator[int]:
    """Serve HTTPS on a port of the loopback address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate(folder))
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        try:
            yield httpd.server_port
        finally:
            httpd.shutdown()
            thread.join()


class Client:
    """A process that does one thing for each line that it is sent, and answers with a line."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.pid = process.pid
        assert self._answer() == "ready"

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def ask(self, line: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._answer()

    def library(self) -> str:
        """Return where OpenSSL is mapped, as the sensor is told of it."""
        maps = Path(f"/proc/{self.pid}/maps").read_text(encoding="utf-8")
        found = re.search(r"^([0-9a-f]+-[0-9a-f]+) .*/libssl[^/]*$", maps, re.MULTILINE)
        assert found is not None
        return f"/proc/{self.pid}/map_files/{found[1]}"


@contextlib.contextmanager
def client(
    folder: Path, program: str, *arguments: str, wrapper: tuple[str, ...] = ()
) -> Iterator[Client]:
    process = subprocess.Popen(
        [*wrapper, sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(folder),
    )
    try:
        yield Client(process)
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def trace_files() -> Iterator[str]:
    """Yield a tracefs that is mounted nowhere, good for other processes too."""
    if os.geteuid():
        pytest.skip("uprobes take root")
    try:
        mount = detached_mount("tracefs", {})
    except OSError as error:
        pytest.skip(f"tracefs cannot be mounted here: {error.strerror}")
    try:
        yield f"/proc/{os.getpid()}/fd/{mount}"
    finally:
        os.close(mount)


@contextlib.contextmanager
def sensor(tracefs: str) -> Iterator[TlsRequests]:
    try:
        made = TlsRequests(tracefs)
    except SensorError as error:
        pytest.skip(f"{error.detail}; it would take {error.remedy}")
    try:
        yield made
    finally:
        made.close()


class Stage(NamedTuple):
    """What most tests need: a sensor, and a Python process that can send to a server."""

    requests: TlsRequests
    python: Client
    tracefs: str
    port: int
    folder: Path


@contextlib.contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Set the stage; at the end no probe may be there that was not there before."""
    with trace_files() as tracefs, server(folder) as port:
        before = definitions(tracefs)
        with sensor(tracefs) as requests, client(folder, CLIENT, str(port)) as python:
            yield Stage(requests, python, tracefs, port, folder)
        assert definitions(tracefs) == before


def all_of(requests: TlsRequests) -> list[Request]:
    """Read until nothing is left."""
    found = []
    while batch := requests.read():
        found += batch
    return found


def definitions(tracefs: str, pid: int | None = None) -> list[str]:
    """Return the probes of one process, by default this one's; others may come and go."""
    lines = Path(f"{tracefs}/uprobe_events").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if f"_{pid or os.getpid()}" in line.partition("/")[0]]
