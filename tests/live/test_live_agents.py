"""A real agent with its model's API, tool, data and identity: the BOM is walked from end to end."""

import base64
import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rig import images
from rig.cache import cache_folder, key
from rig.node import Node
from rig.pods import Container, Volume
from tests.live.conftest import HOLDER, Start, aibom, components, scan
from tests.live.test_live_files import gguf
from tests.live.test_live_pods import await_ready

pytestmark = pytest.mark.live
Site = Callable[[Sequence[str]], Path]

STACK = [
    "langgraph==1.2.22",
    "langchain-openai==1.7.3",
    "mcp==2.3.0",
    "mcp-server-time==2026.10.19",
    "usearch==2.26.6",
]
TIME = "pkg:pypi/mcp-server-time@2026.10.19"
SUBJECT = "system:serviceaccount:shop:bot"

# an API as OpenAI's, by its name an inference server as far as rules know
SERVER = """
import http.server, json, sys
ANSWER = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [
    {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "noon"}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps(ANSWER).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
open(sys.argv[1], "w").write(str(server.server_address[1]))
print("ready", flush=True)
server.serve_forever()
"""

AGENT = """
import asyncio, os, sys
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, MessagesState, StateGraph
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from usearch.index import Index

model = ChatOpenAI(model="m", base_url=f"http://127.0.0.1:{sys.argv[1]}/v1", api_key="none")
memory = Index.restore(sys.argv[2], view=True)
variables = {k: v for k, v in os.environ.items() if k.startswith("PYTHON")}
tools = StdioServerParameters(command=sys.executable, args=["-m", "mcp_server_time"], env=variables)

async def main():
    async with stdio_client(tools) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        async def think(state):
            return {"messages": [await model.ainvoke(state["messages"])]}
        graph = StateGraph(MessagesState)
        graph.add_node("think", think)
        graph.add_edge(START, "think")
        graph.add_edge("think", END)
        said = await graph.compile().ainvoke({"messages": [("user", "What time is it?")]})
        assert said["messages"][-1].content == "noon"
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
INDEX = """
import sys, numpy
from usearch.index import Index
index = Index(ndim=8)
index.add(numpy.arange(20), numpy.random.rand(20, 8).astype("float32"))
index.save(sys.argv[1])
print("ready", flush=True)
"""


def token(subject: str) -> str:
    claims = {"iss": "https://kubernetes.default.svc", "sub": subject, "aud": ["api"]}
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"eyJhbGciOiJub25lIn0.{payload}.c2VjcmV0LXNpZ25hdHVyZQ"


@dataclass(frozen=True)
class Api:
    """An API that runs."""

    pid: int
    port: str


@pytest.fixture
def api(tmp_path: Path, start: Start) -> Api:
    script = tmp_path / "llama-server"
    script.write_text(SERVER)
    pid = start([sys.executable, script, tmp_path / "port"]).pid
    return Api(pid, (tmp_path / "port").read_text())


def walk(document: dict[str, Any], *steps: str) -> list[str]:
    """Return the refs that a chain of steps leads through, each by the start of its ref."""
    graph = {d["ref"]: d.get("dependsOn", []) for d in document["dependencies"]}
    found = [next(ref for ref in graph if ref.startswith(steps[0]))]
    for step in steps[1:]:
        reached = [ref for ref in graph[found[-1]] if ref.startswith(step)]
        assert len(reached) == 1, (step, *graph[found[-1]])
        found += reached
    return found


def test_from_the_agent_to_its_identity(site: Site, start: Start, api: Api, tmp_path: Path) -> None:
    packages = site(STACK)
    environment = os.environ | {"PYTHONPATH": str(packages)}
    index = tmp_path / "memory.usearch"
    start([sys.executable, "-c", INDEX, index], env=environment)
    (tmp_path / "token").write_text(token(SUBJECT))
    role = "arn:aws:iam::123456789012:role/bot"
    environment |= {"AWS_ROLE_ARN": role, "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token")}
    agent = tmp_path / "agent.py"
    agent.write_text(AGENT)
    command = [sys.executable, agent, api.port, index]
    pid = start([*_in_a_pods_place(tmp_path), *command], env=environment).pid
    aibom("scan", "--no-cache", "-o", tmp_path / "boms")
    document = _bom_with(tmp_path / "boms", "agent.py")
    component = next(c for c in document["components"] if c["name"] == "agent.py")
    said = {p["name"]: p["value"] for p in component["properties"]}
    assert (said["aibom:kind"], said["aibom:claim"]) == ("agent", "inferred")
    assert f"(pid {pid}) with " in component["evidence"]["occurrences"][0]["additionalContext"]
    ref = component["bom-ref"]
    walk(document, ref, "pkg:pypi/langgraph@1.2.22")
    walk(document, ref, "service:inference-server/llama-server")
    # outside of a pod the server's session is a workload of its own
    walk(document, ref, f"service:{TIME}:elsewhere")
    walk(document, ref, "data:")
    walk(document, "pkg:pypi/usearch@", "data:")
    assert walk(document, ref, "identity:aws-role")[1].endswith(role)
    if os.geteuid() == 0:
        account = walk(document, ref, "identity:kubernetes-service-account")[1]
        assert account.endswith(SUBJECT)
    assert "secret-signature" not in json.dumps(document)
    assert token(SUBJECT) not in json.dumps(document)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    together = [f"--pid={number}" for number in (pid, *children, api.pid)]
    one = json.loads(aibom("scan", "--no-cache", "-o", "-", *together))
    walk(one, ref, "service:inference-server/", "inference-server/llama-server")
    walk(one, ref, f"service:{TIME}", TIME)


def _in_a_pods_place(folder: Path) -> list[str]:
    """Return how to run a command where a pod's token is mounted; as root only."""
    unshare = shutil.which("unshare")
    if os.geteuid() != 0 or unshare is None:
        return []
    place = "/run/secrets/kubernetes.io/serviceaccount"
    script = (
        f"mount -t tmpfs none /run && mkdir -p {place} && cp {folder}/token {place}/token"
        ' && exec "$@"'
    )
    return [unshare, "--mount", "--propagation", "private", "sh", "-c", script, "sh"]


def _bom_with(folder: Path, name: str) -> dict[str, Any]:
    documents = [json.loads(p.read_text()) for p in folder.glob("*.cdx.json")]
    found = [d for d in documents if any(c["name"] == name for c in d.get("components", ()))]
    assert len(found) == 1
    return dict(found[0])


PLAIN = """
import openai, sys
client = openai.OpenAI(base_url=f"http://127.0.0.1:{sys.argv[1]}/v1", api_key="none")
asked = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "time?"}])
assert asked.choices[0].message.content == "noon"
print("ready", flush=True)
sys.stdin.read()
"""
IDLE = "import langgraph.graph, sys\nprint('ready', flush=True)\nsys.stdin.read()\n"


@pytest.mark.parametrize("text", [PLAIN, IDLE])
def test_one_of_the_two_alone_is_no_agent(
    site: Site, start: Start, api: Api, tmp_path: Path, text: str
) -> None:
    script = tmp_path / "agent.py"
    script.write_text(text)
    environment = os.environ | {"PYTHONPATH": str(site(STACK))}
    pid = start([sys.executable, script, api.port], env=environment, stdin=-1).pid
    workload = next(w for w in scan() if pid in w["inventory"]["workload"]["pids"])
    assert not components(workload, "agent")
    assert components(workload, "framework")


def test_the_token_that_a_pod_is_given(rig_node: Node) -> None:
    model = gguf("the bot's")
    layer = {"/models/a.gguf": model}
    name = "local.test/bot:1"
    rig_node.load(
        images.python_with(cache_folder(), name, key(model), lambda: [layer], ("python3",))
    )
    holder = ["python3", "-c", HOLDER, json.dumps([{"path": "/models/a.gguf"}])]
    place = "/var/run/secrets/kubernetes.io/serviceaccount"
    pod = rig_node.run_pod(
        "bot",
        [Container("main", name, holder, volumes={"token": place})],
        namespace="shop",
        volumes=[Volume("token", "projected", {"token": token(SUBJECT).encode()})],
    )
    try:
        await_ready(pod.containers[0].output)
        (workload,) = scan("--pod", "shop/bot")
    finally:
        rig_node.stop_pod(pod)
    (service,) = (s for s in workload["inventory"]["services"] if s["role"] == "identity")
    assert (service["name"], service["provider"]) == (SUBJECT, "Kubernetes")
    (seen,) = service["evidence"]
    assert (seen["path"], seen["container"]) == (f"{place}/token", "main")
    assert "secret-signature" not in json.dumps(workload)
