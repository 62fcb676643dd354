"""Agents: a framework and a model in one process, and never one of them alone."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from aibom.identify.inventory import identify
from aibom.identify.mcp.asking import questions
from aibom.types.facts import ProcessFacts
from aibom.types.files import FileFacts
from aibom.types.inventory import Component, Inventory
from aibom.types.modelfiles import ModelUse
from aibom.types.packages import Binary, LoadedPackage, Package, Program
from aibom.types.processes import Connection, Container, Identity, Stream
from aibom.types.rules import Clause, Feature, Rule, RuleKind, RuleSet
from tests import make


def naming(kind: RuleKind, name: str, type_: str, *features: Feature) -> Rule:
    return Rule(f"{kind}/{name}", name, kind, type_, tuple(Clause((f,)) for f in features))


def loads(name: str) -> Feature:
    return Feature("loads", "pypi", name)


RULES = RuleSet(
    (
        naming("agent-framework", "langgraph", "framework", loads("langgraph")),
        naming("agent-framework", "aider", "application", Feature("runs", "pypi", "aider-chat")),
        naming("model-runtime", "llama-cpp", "library", loads("llama-cpp")),
        naming("inference-server", "vllm", "application", loads("vllm")),
        naming("mcp-server", "time", "application", Feature("runs", "pypi", "mcp-server-time")),
        naming("model-api", "openai", "", Feature("talks", "host", "api.openai.com")),
        naming("object-store", "store", "", Feature("talks", "host", "store.example.com")),
    ),
    (),
)
API = Connection("10.0.0.5:41000", "192.0.2.1:443", "api.openai.com", "SNI")
STORE = Connection("10.0.0.5:41001", "192.0.2.2:443", "store.example.com", "SNI")
SCRIPT = make.file("/app/agent.py", "cd" * 32)


def has(*names: str, how: Any = "imported") -> tuple[LoadedPackage, ...]:
    return tuple(
        LoadedPackage(make.package(name), make.file(f"/s/{name}.py", ""), how) for name in names
    )


def script(name: str = "agent.py", file: FileFacts | None = SCRIPT) -> Program:
    return Program(name, f"/app/{name}", file)


def running(pid: int = 7, program: Program | None = None, **fields: Any) -> ProcessFacts:
    keys = ("parent", "argv", "executable", "cwd")
    of = make.process(pid, session=1, **{k: fields.pop(k) for k in keys if k in fields})
    return make.seen(of=of, program=program or script(), **fields)


def found(*processes: ProcessFacts, containers: Iterable[Container] = ()) -> Inventory:
    (only,) = identify(make.node(processes, containers), RULES)
    return only


def agents(inventory: Inventory) -> list[Component]:
    return [c for c in inventory.components if c.kind == "agent"]


def links_of(inventory: Inventory, ref: str) -> set[str]:
    return {link.target for link in inventory.links if link.source == ref}


def test_a_framework_and_an_api_in_one_process() -> None:
    inventory = found(running(packages=has("langgraph"), connections=(API,)))
    (agent,) = agents(inventory)
    assert (agent.ref, agent.name) == ("agent:sha256:cdcdcdcdcdcdcdcd", "agent.py")
    assert (agent.type, agent.sha256, agent.origin.kind) == (
        "application", "cd" * 32, "image-layer",
    )  # fmt: skip
    assert agent.inferred
    (seen,) = agent.evidence
    assert (seen.how, seen.path, seen.beside) == ("openai used", "/app/agent.py", ("langgraph",))
    assert (seen.confidence, seen.pid) == (80, 7)
    assert links_of(inventory, agent.ref) == {
        "pkg:pypi/langgraph@2.0",
        "service:model-api/openai:api.openai.com:443",
    }


def test_the_weaker_fact_says_how_sure_it_is() -> None:
    by_dns = replace(API, named_by="DNS")
    (agent,) = agents(found(running(packages=has("langgraph"), connections=(by_dns,))))
    assert agent.evidence[0].confidence == 60


@pytest.mark.parametrize(
    "processes",
    [
        [running(packages=has("langgraph"))],
        [running(connections=(API,))],
        [running(packages=has("llama-cpp"), connections=(API,))],
        [running(packages=has("langgraph"), connections=(STORE,))],
        # each in a process of its own
        [running(packages=has("langgraph")), running(8, script("b.py"), connections=(API,))],
        # somebody's dependency, or installed by it
        [running(installed=has("langgraph", how="installed"), connections=(API,))],
        # read by something that cannot run it, and a model that makes no text
        [running(packages=has("langgraph"), models=(make.model_use(),))],
        [
            running(
                packages=has("langgraph", "llama-cpp"),
                models=(make.model_use(architecture="nomic-bert"),),
            )
        ],
        [running(packages=has("langgraph", "llama-cpp"), models=(make.model_use(format="onnx"),))],
    ],
)
def test_what_is_no_agent(processes: list[ProcessFacts]) -> None:
    inventory = found(*processes)
    assert not agents(inventory)
    assert not [link for link in inventory.links if link.source.startswith("agent")]


def test_a_local_model_that_a_runtime_holds() -> None:
    model = make.model_use(architecture="llama")
    one = running(packages=has("langgraph", "llama-cpp"), models=(model,))
    inventory = found(one)
    (agent,) = agents(inventory)
    assert agent.evidence[0].how == "a.gguf used"
    assert "model:sha256:abababababababab" in links_of(inventory, agent.ref)


def test_an_inference_server_beside_it() -> None:
    server = running(
        8,
        script("serve.py"),
        packages=has("vllm"),
        connections=(
            Connection("127.0.0.1:8000"),
            Connection("127.0.0.1:8000", "127.0.0.1:41000"),
        ),
        models=(make.model_use(architecture="llama"),),
    )
    client = running(
        packages=has("langgraph"), connections=(Connection("127.0.0.1:41000", "127.0.0.1:8000"),)
    )
    inventory = found(client, server)
    (agent,) = agents(inventory)
    service = "service:pkg:pypi/vllm@2.0"
    assert service in links_of(inventory, agent.ref)
    model = "model:sha256:abababababababab"
    assert links_of(inventory, service) == {"pkg:pypi/vllm@2.0", model}
    assert model in links_of(inventory, "pkg:pypi/vllm@2.0")


def test_workers_and_their_master_are_one_agent() -> None:
    master = running(packages=())
    forked = [
        running(pid, parent=7, packages=has("langgraph"), connections=(API,)) for pid in (8, 9)
    ]
    spawned = running(
        10,
        Program("python3.11", "/usr/bin/python3.11"),
        parent=7,
        argv=("python3", "-c", "from multiprocessing.spawn import spawn_main; spawn_main(pipe=7)",
              "--multiprocessing-fork"),
        packages=has("langgraph"),
        connections=(API,),
    )  # fmt: skip
    titled = running(
        11,
        Program("python3.11", "/usr/bin/python3.11"),
        parent=7,
        argv=("agent: worker 3",),
        packages=has("langgraph"),
        connections=(API,),
    )
    (agent,) = agents(found(master, *forked, spawned, titled))
    assert {e.pid for e in agent.evidence} == {8, 9, 10, 11}


@pytest.mark.parametrize(
    ("program", "argv", "name"),
    [
        (Program("uvicorn", "/v/bin/uvicorn", package=make.package("uvicorn")),
         ("python3", "/v/bin/uvicorn", "--port", "80", "chat.main:app"), "chat.main"),
        (Program("streamlit", "/v/bin/streamlit", package=make.package("streamlit")),
         ("python3", "/v/bin/streamlit", "run", "/app/ui.py"), "ui.py"),
        (Program("celery", "/v/bin/celery", package=make.package("celery")),
         ("python3", "/v/bin/celery", "worker"), "celery in /app"),
        (Program("chat.agent", module="chat.agent"), ("python3", "-m", "chat.agent"), "chat.agent"),
        (Program("python3.11", "/usr/bin/python3.11"), ("python3", "-c", "pass"),
         "inline code in /app"),
    ],
)  # fmt: skip
def test_the_name_is_never_the_interpreters_or_a_launchers_alone(
    program: Program, argv: tuple[str, ...], name: str
) -> None:
    one = running(program=program, argv=argv, cwd="/app", packages=has("langgraph"),
                  connections=(API,))  # fmt: skip
    (agent,) = agents(found(one))
    assert agent.name == name
    assert agent.purl == ""


def test_a_package_that_is_built_on_a_framework_is_the_agent() -> None:
    package = make.package("shop-bot", "3.1", requires=("httpx", "LangGraph"))
    one = running(
        program=Program("shop-bot", "/v/bin/shop-bot", SCRIPT, package=package),
        packages=has("langgraph"),
        connections=(API,),
    )
    inventory = found(one)
    (agent,) = agents(inventory)
    assert (agent.ref, agent.name, agent.version) == ("pkg:pypi/shop-bot@3.1", "shop-bot", "3.1")
    assert [c.kind for c in inventory.components if c.ref == agent.ref] == ["agent"]


AIDER = Program("aider", "/v/bin/aider", SCRIPT, package=make.package("aider-chat"))


def test_a_coding_agent_is_one_by_itself() -> None:
    (agent,) = agents(found(running(program=AIDER, packages=has("aider-chat"))))
    assert (agent.ref, agent.inferred) == ("pkg:pypi/aider-chat@2.0", False)


def test_a_coding_agent_known_by_its_programs_name_or_as_a_go_binary() -> None:
    goose = naming("agent-framework", "goose", "application", Feature("runs", "program", "goose"))
    crush = naming("agent-framework", "crush", "application", Feature("runs", "golang", "x.org/c"))
    rules = RuleSet((*RULES.rules, goose, crush), ())
    by_name = running(program=Program("goose", "/bin/goose", make.file("/bin/goose", "11" * 32)))
    module = Package("golang", "x.org/c", "v1", "/bin/crush")
    native = running(
        8,
        Program("crush", "/bin/crush", make.file("/bin/crush", "")),
        executable="/bin/crush",
        binaries=(Binary(make.file("/bin/crush", ""), modules=(module,)),),
    )
    (inventory,) = identify(make.node([by_name, native]), rules)
    found_ = {a.name: a for a in agents(inventory)}
    assert found_["goose"].inferred
    assert (found_["x.org/c"].purl, found_["x.org/c"].inferred) == ("pkg:golang/x.org/c@v1", False)


def test_one_that_listens_is_none_before_it_uses_a_model() -> None:
    listening = Connection("0.0.0.0:7860")
    assert not agents(found(running(program=AIDER, connections=(listening,))))
    assert agents(found(running(program=AIDER, connections=(listening, API))))


def test_the_walk_from_agent_to_identity() -> None:
    who = Identity("kubernetes-service-account", "system:serviceaccount:shop:bot", "https://k8s")
    agent = running(
        packages=has("langgraph"), connections=(API,), identities=(who,),
        streams=(Stream("pipe", 1, 5, reads=False, writes=True),
                 Stream("pipe", 2, 6, reads=True, writes=False)),
    )  # fmt: skip
    tool = running(
        8,
        Program("t", "/v/bin/t", make.file("/v/bin/t"), package=make.package("mcp-server-time")),
        parent=7,
        connections=(STORE,),
        identities=(who,),
        streams=(Stream("pipe", 1, 0, reads=True, writes=False),
                 Stream("pipe", 2, 1, reads=False, writes=True)),
    )  # fmt: skip
    inventory = found(agent, tool)
    (component,) = agents(inventory)
    server = "pkg:pypi/mcp-server-time@2.0"
    identity = "identity:kubernetes-service-account:https://k8s:system:serviceaccount:shop:bot"
    assert {f"service:{server}", identity} <= links_of(inventory, component.ref)
    assert links_of(inventory, f"service:{server}") == {server}
    assert links_of(inventory, server) == {
        "service:object-store/store:store.example.com:443", identity,
    }  # fmt: skip
    (service,) = (s for s in inventory.services if s.role == "identity")
    assert (service.name, service.provider) == ("system:serviceaccount:shop:bot", "Kubernetes")
    assert ("aibom:identity:claim", "at hand") in service.properties
    assert len(service.evidence) == 2


def test_data_that_was_only_written_is_not_used() -> None:
    read = make.model_use(make.file("/a.gguf", "11" * 32), architecture="llama")
    written = make.model_use(make.file("/b.gguf", "22" * 32), architecture="llama")
    written = ModelUse(written.model, replace(written.use, kind="written"))
    inventory = found(
        running(packages=has("langgraph", "llama-cpp"), models=(read, written), connections=(API,))
    )
    (agent,) = agents(inventory)
    targets = {t for t in links_of(inventory, agent.ref) if t.startswith("model:")}
    assert targets == {"model:sha256:1111111111111111"}


def test_a_listed_package_is_no_proof() -> None:
    package = Package("npm", "@openai/agents", "1.0", "/n/package.json")
    rule = naming(
        "agent-framework", "openai-agents", "framework", Feature("loads", "npm", package.name)
    )
    one = running(connections=(API,), packages=(LoadedPackage(package, make.file("/n"), "listed"),))
    rules = RuleSet((*RULES.rules, rule), ())
    (inventory,) = identify(make.node([one]), rules)
    assert not agents(inventory)


def test_an_agent_that_is_an_mcp_server_is_still_asked_and_reached() -> None:
    package = make.package("mcp-server-time", requires=("langgraph",))
    server = running(
        program=Program("time", "/v/bin/time", package=package),
        packages=has("langgraph"),
        connections=(API, Connection("127.0.0.1:80")),
    )
    whole = found(server)
    assert [a.name for a in agents(whole)] == ["mcp-server-time"]
    (service,) = (s for s in whole.services if s.component)
    assert service.role == "mcp-server"
    assert [q.port for q in questions(make.node([server]), [whole])] == [80]


def test_a_tool_in_a_session_of_its_own_is_reached() -> None:
    streams = (Stream("pipe", 1, 5, reads=False, writes=True),
               Stream("pipe", 2, 6, reads=True, writes=False))  # fmt: skip
    agent = running(packages=has("langgraph"), connections=(API,), streams=streams)
    time = make.package("mcp-server-time")
    tool = make.seen(
        of=make.process(8, session=8, parent=7),
        program=Program("t", "/v/bin/t", make.file("/v/bin/t"), package=time),
        streams=(Stream("pipe", 1, 0, reads=True, writes=False),
                 Stream("pipe", 2, 1, reads=False, writes=True)),
    )  # fmt: skip
    ours, theirs = identify(make.node([agent, tool]), RULES)
    (component,) = agents(ours)
    reached = "service:pkg:pypi/mcp-server-time@2.0:elsewhere"
    assert reached in links_of(ours, component.ref)
    assert not [s for s in theirs.services if s.ref == reached]
