"""Services of MCP servers: transports, exposure, answers, and the links that lead to them."""

from dataclasses import replace

import pytest
from test_mcp import NPM, PYPI, RULES, client, running, server
from test_mcp_configs import argv_of, kinds, listening

from aibom.identify.inventory import identify
from aibom.identify.mcp.asking import questions
from aibom.identify.mcp.transport import exposure, told_by
from aibom.types.facts import ProcessFacts
from aibom.types.inventory import Inventory, Link
from aibom.types.mcpfacts import ConfiguredServer, McpAnswer, McpConfig, McpTool
from aibom.types.packages import LoadedPackage
from aibom.types.processes import Connection
from tests import make

TOOL = McpTool("add", "ab" * 32)


def seen(*processes: ProcessFacts) -> Inventory:
    return identify(make.node(processes), RULES)[0]


@pytest.mark.parametrize(
    ("argv", "transport"),
    [
        (("node", "s.js", "streamableHttp"), "streamable-http"),
        (("node", "s.js", "sse"), "sse"),
        (("python", "-m", "s", "--transport", "http"), "streamable-http"),
        (("python", "-m", "s", "--transport=streamable-http"), "streamable-http"),
        (("supergateway", "--stdio", "x", "--outputTransport", "sse"), "sse"),
        (("server", "--name", "sse"), ""),
        (("server", "http"), ""),
        (("server",), ""),
        ((), ""),
    ],
)
def test_command_lines_tell_transports(argv: tuple[str, ...], transport: str) -> None:
    assert told_by(argv) == transport


@pytest.mark.parametrize(
    ("endpoints", "width"),
    [
        ((), ""),
        (("tcp://127.0.0.1:80",), "loopback"),
        (("tcp://[::1]:80", "tcp://10.0.0.7:80"), "pod"),
        (("tcp://127.0.0.1:80", "tcp://[::]:80"), "all-interfaces"),
    ],
)
def test_the_widest_address_counts(endpoints: tuple[str, ...], width: str) -> None:
    assert exposure(endpoints, "pod") == width
    assert exposure(("tcp://10.0.0.7:80",), "container") == "address"


def test_a_server_that_anybody_reaches_is_a_note_until_it_was_asked() -> None:
    open_server = listening("0.0.0.0:80")
    (concern,) = seen(open_server).services[0].concerns
    assert (concern.kind, concern.level) == ("mcp-exposed", "note")
    answer = McpAnswer("http://127.0.0.1:80/mcp", "streamable-http", authentication="none")
    (service,) = seen(replace(open_server, answers=(answer,))).services
    assert [c.level for c in service.concerns] == ["suspicious"]
    assert (service.authenticated, service.transport) == (False, "streamable-http")
    locked = replace(answer, authentication="required")
    (service,) = seen(replace(open_server, answers=(locked,))).services
    assert (service.authenticated, service.concerns) == (True, ())


def test_a_server_on_the_loopback_is_no_concern() -> None:
    (service,) = seen(listening("127.0.0.1:80")).services
    assert ("aibom:mcp:exposure", "loopback") in service.properties
    assert service.concerns == ()


def test_tools_become_properties_and_their_texts_concerns() -> None:
    odd = replace(TOOL, name="odd", suspicions=("tags that address the model: <IMPORTANT>",))
    answer = McpAnswer("http://127.0.0.1:80/mcp", "sse", authentication="none", tools=(TOOL, odd))
    found = seen(replace(listening("127.0.0.1:80"), answers=(answer,)))
    properties = found.services[0].properties
    assert ("aibom:mcp:tool", f"add sha256:{'ab' * 32}") in properties
    assert kinds(found) == [("mcp-tool-text", "tool odd: tags that address the model: <IMPORTANT>")]


def loading(facts: ProcessFacts, name: str = "mcp") -> ProcessFacts:
    loaded = LoadedPackage(make.package(name, "2.0"), make.file(f"/s/{name}/__init__.py"))
    return replace(facts, packages=(loaded,))


def test_the_client_of_a_stdio_server_leads_to_it() -> None:
    found = seen(loading(client()), server(running(PYPI)))
    (service,) = found.services
    assert service.client_pids == (10,)
    assert Link("pkg:pypi/mcp@2.0", service.ref) in found.links
    assert Link(service.ref, service.component) in found.links


def connecting(pid: int, port: int, local: str) -> ProcessFacts:
    process = make.process(pid, comm="agent", argv=(f"agent{pid}",), session=10)
    connection = Connection(f"127.0.0.1:{local}", f"127.0.0.1:{port}")
    return loading(make.seen(of=process, connections=(connection,)))


def test_several_clients_of_one_http_server() -> None:
    http = listening("127.0.0.1:80")
    accepted = tuple(Connection("127.0.0.1:80", f"127.0.0.1:{p}") for p in (5001, 5002))
    http = replace(
        http,
        process=replace(http.process, session=10),
        connections=(*http.connections, *accepted),
    )
    found = identify(
        make.node([http, connecting(20, 80, "5001"), connecting(21, 80, "5002")]),
        RULES,
        as_one=True,
    )[0]
    (service,) = found.services
    assert service.client_pids == (20, 21)
    assert service.clients == ("pid 20: agent20", "pid 21: agent21")
    assert Link("pkg:pypi/mcp@2.0", service.ref) in found.links


def test_a_bridge_is_client_and_server() -> None:
    bridge = server(running(NPM), pid=12)
    behind = Connection("10.0.0.7:5000", "192.0.2.9:443", host="mcp.example", named_by="SNI")
    found = seen(loading(client()), replace(bridge, connections=(behind,)))
    own = next(s for s in found.services if s.component)
    remote = next(s for s in found.services if not s.component)
    assert own.client_pids == (10,)
    assert own.component in remote.beside


def test_only_servers_that_listen_are_asked() -> None:
    http, stdio = listening("0.0.0.0:80"), server(running(PYPI), pid=14)
    web = make.seen(of=make.process(30, session=10), connections=(Connection("127.0.0.1:9"),))
    node = make.node([client(), http, stdio, web])
    (question,) = questions(node, identify(node, RULES))
    assert (question.pid, question.host, question.port) == (12, "127.0.0.1", 80)
    assert question.paths[0] == "/mcp"


def test_a_server_of_stdio_that_listens_beside_is_not_asked() -> None:
    both = argv_of(("python", "s.py"), server(running(PYPI)))
    node = make.node([client(), replace(both, connections=(Connection("127.0.0.1:9222"),))])
    assert questions(node, identify(node, RULES)) == ()


def test_only_neighbours_of_a_server_say_where_to_ask() -> None:
    def naming(pid: int, namespace: str, path: str) -> ProcessFacts:
        told = ConfiguredServer("s", url=f"http://localhost:80/{path}")
        process = make.process(pid, session=10, network_namespace=namespace)
        return make.seen(of=process, configs=(McpConfig("/x/.mcp.json", "c", (told,)),))

    http = listening("127.0.0.1:80")
    near = naming(20, http.process.network_namespace, "near")
    node = make.node([http, near, naming(21, "net:[elsewhere]", "far")])
    (question,) = questions(node, identify(node, RULES))
    assert "/near" in question.paths
    assert "/far" not in question.paths


def test_one_server_over_stdio_and_http_is_both() -> None:
    over_stdio = server(running(PYPI), pid=12)
    over_http = replace(
        server(running(PYPI), pid=13), streams=(), connections=(Connection("0.0.0.0:80"),)
    )
    node = make.node([client(), over_stdio, over_http])
    (service,) = identify(node, RULES)[0].services
    assert ("aibom:mcp:exposure", "all-interfaces") in service.properties
    (question,) = questions(node, identify(node, RULES))
    assert question.pid == 13
    answer = McpAnswer("http://127.0.0.1:80/mcp", "streamable-http", authentication="none")
    told = seen(client(), over_stdio, replace(over_http, answers=(answer,)))
    assert told.services[0].transport == "stdio, streamable-http"
