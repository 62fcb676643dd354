"""A process in a network namespace of its own that talks to itself over loopback."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_WORKLOAD = r"""
import fcntl, json, socket, ssl, struct, sys, threading

kept = []

def up():
    # SIOCSIFFLAGS with IFF_UP | IFF_RUNNING
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sh22x", b"lo", 0x41))

def context(role):
    # anonymous key exchange needs no certificate
    made = ssl.SSLContext(role)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.maximum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers("aNULL:@SECLEVEL=0")
    return made

def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET

def end(name):
    return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"

def tls(address, name, times):
    "Real handshakes, and data; returns [client's end, server's port] of each."
    secure, ends = context(ssl.PROTOCOL_TLS_SERVER), []
    with socket.create_server((address, 0), family=family_of(address)) as listener:
        def serve():
            for _ in range(times):
                accepted, _ = listener.accept()
                with secure.wrap_socket(accepted, server_side=True) as served:
                    served.sendall(served.recv(10) * 50000)
                    served.recv(1)
        server = threading.Thread(target=serve)
        server.start()
        for _ in range(times):
            plain = socket.create_connection(listener.getsockname()[:2])
            ends.append([end(plain.getsockname()), listener.getsockname()[1]])
            client = context(ssl.PROTOCOL_TLS_CLIENT)
            with client.wrap_socket(plain, server_hostname=name) as wrapped:
                wrapped.sendall(b"0123456789")
                left = 500000
                while left:
                    left -= len(wrapped.recv(65536))
        server.join()
    return ends

def send(address, data, times):
    "Plain TCP connections whose first bytes are these."
    with socket.create_server((address, 0), family=family_of(address), backlog=times) as listener:
        for _ in range(times):
            with socket.create_connection(listener.getsockname()[:2]) as client:
                client.sendall(bytes.fromhex(data))

def dns(address, answer, kind):
    "A question and this answer, from port 53."
    family, answer = family_of(address), bytes.fromhex(answer)
    if kind == "tcp":
        with socket.create_server((address, 53), family=family) as listener:
            with socket.create_connection((address, 53)) as client:
                served, _ = listener.accept()
                with served:
                    served.sendall(struct.pack(">H", len(answer)) + answer)
                return len(client.recv(4096))
    with socket.socket(family, socket.SOCK_DGRAM) as server:
        server.bind((address, 53))
        with socket.socket(family, socket.SOCK_DGRAM) as client:
            client.sendto(b"question", (address, 53))
            server.sendto(answer, server.recvfrom(100)[1])
            return len(client.recv(4096))

def hold(address):
    "Sockets in every state that counts; returns their inodes and ends by state."
    family, found = family_of(address), {}
    def note(state, held, remote):
        kept.append(held)
        here = held.getsockname()
        found[state] = [__import__("os").fstat(held.fileno()).st_ino, end(here), remote]
    listener = socket.create_server((address, 0), family=family)
    at = listener.getsockname()[:2]
    note("listening", listener, "")
    first = socket.create_connection(at)
    note("established", first, end(at))
    accepted = listener.accept()[0]
    note("accepted", accepted, end(first.getsockname()))
    second = socket.create_connection(at)
    listener.accept()[0].close()
    note("closed by the other end", second, end(at))
    udp = socket.socket(family, socket.SOCK_DGRAM)
    udp.connect((address, 443))
    note("udp", udp, end((address, 443)))
    unbound = socket.socket(family, socket.SOCK_DGRAM)
    unbound.bind((address, 0))
    note("udp without another end", unbound, "")
    full = socket.create_server((address, 0), family=family, backlog=0)
    at = full.getsockname()[:2]
    for _ in range(3):  # one fits into the queue; a SYN that does not fit is not answered
        last = socket.socket(family)
        last.setblocking(False)
        last.connect_ex(at)
        kept.append(last)
    note("connecting", last, end(at))
    kept.append(full)
    return found

up()
print(json.dumps("ready"), flush=True)
for line in sys.stdin:
    name, *arguments = json.loads(line)
    print(json.dumps(globals()[name](*arguments)), flush=True)
"""


class Workload:
    """The process; ``ask`` runs one of its functions."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.pid = process.pid

    @property
    def namespace(self) -> str:
        return f"/proc/{self.pid}/ns/net"

    def answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def ask(self, function: str, *arguments: object) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([function, *arguments]) + "\n")
        self._process.stdin.flush()
        return self.answer()


@contextmanager
def workload() -> Iterator[Workload]:
    """Start one, in a user namespace too where we are not root; skips where that is forbidden."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("no unshare(1) on this machine")
    flags = ["--net"] if os.geteuid() == 0 else ["--net", "--map-root-user"]
    argv = [unshare, *flags, sys.executable, "-c", _WORKLOAD]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            found = Workload(process)
            try:
                found.answer()
            except ValueError:
                assert process.stderr is not None
                pytest.skip(f"no network namespace can be made: {process.stderr.read().strip()}")
            yield found
        finally:
            process.kill()
