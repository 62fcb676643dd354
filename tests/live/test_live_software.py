"""Real frameworks and MCP servers, and the real programs that must stay unnamed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.live.conftest import Start, components, scan

pytestmark = pytest.mark.live
Site = Callable[[Sequence[str]], Path]

STACK = ["onnxruntime==1.23.2", "xllamacpp==2026.10.11549", "numpy==2.3.5", "safetensors==0.7.0"]
WEB = ["flask==3.1.2", "pydantic==2.12.4", "numpy==2.3.5"]

CLIENT = """
import json, os, subprocess, sys
commands = json.loads(sys.argv[1])
hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
    "protocolVersion": "2025-06-18", "capabilities": {},
    "clientInfo": {"name": "aibom-tests", "version": "1"}}}
servers = []
for command in commands:
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    server.stdin.write(json.dumps(hello) + "\\n")
    server.stdin.flush()
    answer = json.loads(server.stdout.readline())
    assert "serverInfo" in answer["result"], answer
    servers.append(server)
print("ready", flush=True)
sys.stdin.read()
"""


def python(site: Path, code: str, start: Start, *arguments: str) -> int:
    environment = os.environ | {"PYTHONPATH": str(site)}
    return start([sys.executable, "-c", code, *arguments], env=environment, stdin=-1).pid


def test_runtimes_that_are_loaded_are_named_with_their_versions(site: Site, start: Start) -> None:
    code = "import onnxruntime, xllamacpp, time; print('ready', flush=True); time.sleep(600)"
    (workload,) = scan("--pid", python(site(STACK), code, start))
    found = components(workload, "framework")
    assert found["onnxruntime"]["version"] == "1.23.2"
    assert found["onnxruntime"]["purl"] == "pkg:pypi/onnxruntime@1.23.2"
    assert found["xllamacpp"]["version"] == "2026.10.11549"
    assert found["llama.cpp"]["within"] == "pkg:pypi/xllamacpp@2026.10.11549"
    packages = components(workload, "package")
    assert packages["numpy"]["purl"] == "pkg:pypi/numpy@2.3.5"


def test_installed_and_not_loaded_is_nothing(site: Site, start: Start) -> None:
    code = "import json, ssl, sqlite3, time; print('ready', flush=True); time.sleep(600)"
    (workload,) = scan("--pid", python(site(STACK), code, start))
    assert workload["inventory"]["components"] == []


def test_a_plain_web_application_is_nothing(site: Site, start: Start) -> None:
    code = (
        "import flask, pydantic, numpy, threading, time\n"
        "app = flask.Flask('shop')\n"
        "from werkzeug.serving import make_server\n"
        "server = make_server('127.0.0.1', 0, app)\n"
        "threading.Thread(target=server.serve_forever, daemon=True).start()\n"
        "print('ready', flush=True); time.sleep(600)"
    )
    (workload,) = scan("--pid", python(site(WEB), code, start))
    kinds = {c["kind"] for c in workload["inventory"]["components"]}
    assert kinds == {"package"}


def test_a_plain_node_program_is_nothing(node: Path, start: Start) -> None:
    code = "require('http').createServer().listen(0,'127.0.0.1',()=>console.log('ready'))"
    (workload,) = scan("--pid", start([node, "-e", code]).pid)
    assert workload["inventory"]["components"] == []


def test_mcp_servers_over_stdio_in_python_and_node(
    site: Site, node: Path, npm: Callable[[Sequence[str]], Path], start: Start, tmp_path: Path
) -> None:
    packages = site(["mcp-server-time==2026.10.19", "mcp==2.3.0"])
    modules = npm(
        ["@modelcontextprotocol/server-filesystem@2025.8.21", "@modelcontextprotocol/sdk@1.20.0"]
    )
    own = tmp_path / "notes.py"
    own.write_text(
        "from mcp.server import MCPServer\n"
        "app = MCPServer('notes')\n"
        "@app.tool()\n"
        "def add(text: str) -> str:\n"
        "    return text\n"
        "app.run()\n"
    )
    commands = [
        [sys.executable, "-m", "mcp_server_time"],
        [str(node), str(modules / ".bin/mcp-server-filesystem"), str(tmp_path)],
        ["sh", "-c", f"{sys.executable} {own}; true"],
    ]
    pid = python(packages, CLIENT, start, json.dumps(commands))
    workload = _session_of(pid)
    servers = components(workload, "mcp-server")
    assert servers["mcp-server-time"]["purl"] == "pkg:pypi/mcp-server-time@2026.10.19"
    name = "@modelcontextprotocol/server-filesystem"
    assert servers[name]["version"] == "2025.8.21"
    assert servers["notes.py"]["inferred"]
    assert len(servers) == 3
    services = workload["inventory"]["services"]
    assert {s["name"] for s in services} == set(servers)
    for service in services:
        assert service["transport"] == "stdio"
        (client,) = service["clients"]
        assert client.startswith(f"pid {pid}: ")


def test_a_node_client_is_joined_by_its_socket_pairs(
    node: Path, npm: Callable[[Sequence[str]], Path], start: Start, tmp_path: Path
) -> None:
    modules = npm(
        ["@modelcontextprotocol/server-filesystem@2025.8.21", "@modelcontextprotocol/sdk@1.20.0"]
    )
    code = (
        "const {spawn} = require('child_process');"
        f"const server = spawn({str(node)!r}, [{str(modules / '.bin/mcp-server-filesystem')!r},"
        f" {str(tmp_path)!r}], {{stdio: ['pipe', 'pipe', 'inherit']}});"
        "server.stdout.once('data', () => console.log('ready'));"
        "server.stdin.write(JSON.stringify({jsonrpc: '2.0', id: 1, method: 'initialize', params:"
        " {protocolVersion: '2025-06-18', capabilities: {},"
        " clientInfo: {name: 'aibom-tests', version: '1'}}}) + '\\n');"
        "setTimeout(() => {}, 600000)"
    )
    pid = start([node, "-e", code], stderr=-3).pid
    (service,) = _session_of(pid)["inventory"]["services"]
    assert (service["transport"], len(service["clients"])) == ("stdio", 1)
    assert service["clients"][0].startswith(f"pid {pid}: ")


def _session_of(pid: int) -> dict[str, Any]:
    """Return the workload of a whole scan that a session leader's processes make."""
    return next(w for w in scan() if pid in w["inventory"]["workload"]["pids"])


def test_two_versions_in_two_environments_of_one_workload(
    site: Site, start: Start, tmp_path: Path
) -> None:
    versions = ("0.6.2", "0.7.0")
    old, new = (site([f"safetensors=={version}"]) for version in versions)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "v"], check=True)
    (packages,) = tmp_path.glob("v/lib/python*/site-packages")
    shutil.copytree(old, packages, dirs_exist_ok=True)
    code = "import safetensors, time; print('ready', flush=True); time.sleep(600)"
    pids = [start([tmp_path / "v" / "bin" / "python", "-c", code]).pid, python(new, code, start)]
    (workload,) = scan("--pid", pids[0], "--pid", pids[1])
    found = [c for c in workload["inventory"]["components"] if c["name"] == "safetensors"]
    assert sorted(c["version"] for c in found) == list(versions)
    by_version = {c["version"]: {e["pid"] for e in c["evidence"]} for c in found}
    assert by_version == {"0.6.2": {pids[0]}, "0.7.0": {pids[1]}}
