"""Real connections of real processes: a client of a server on the loopback, and the outside."""

import sys
from pathlib import Path

import pytest

from tests.live.conftest import Start, scan

pytestmark = pytest.mark.live

# by its name an inference server, as far as rules know
SERVER = """
import socket, sys, time
server = socket.create_server(("127.0.0.1", 0))
open(sys.argv[1], "w").write(str(server.getsockname()[1]))
print("ready", flush=True)
accepted = server.accept()
accepted[0].sendall(b"hello")
time.sleep(600)
"""
# the SDK that the text names makes its sockets worth a look
CLIENT = """
import socket, sys, time
if len(sys.argv) > 9:
    import openai
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
connection.recv(5)  # the server has taken it
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def server(tmp_path: Path, start: Start) -> tuple[int, str]:
    """A server that listens; return its pid and port."""
    script = tmp_path / "llama-server"
    script.write_text(SERVER)
    process = start([sys.executable, script, tmp_path / "port"])
    return process.pid, (tmp_path / "port").read_text()


def test_a_client_on_the_loopback_is_the_servers_client(
    tmp_path: Path, start: Start, server: tuple[int, str]
) -> None:
    pid, port = server
    script = tmp_path / "agent.py"
    script.write_text(CLIENT)
    client = start([sys.executable, script, port])
    (workload,) = scan("--pid", pid, "--pid", client.pid)
    (service,) = workload["inventory"]["services"]
    assert service["name"] == "llama-server"
    assert service["endpoints"] == [f"tcp://127.0.0.1:{port}"]
    assert service["clients"] == [f"pid {client.pid}: {sys.executable} {script} {port}"]
