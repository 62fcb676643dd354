"""MCP servers over stdio: told from their clients, their launchers and everything else."""

from dataclasses import replace

import pytest

from aibom.identify.inventory import identify
from aibom.types.facts import ProcessFacts
from aibom.types.inventory import Inventory
from aibom.types.packages import Binary, Package, Program
from aibom.types.processes import Connection, Stream
from aibom.types.rules import Clause, Feature, Rule, RuleSet
from tests import make

TIME = Rule(
    "mcp-server/time", "Time", "mcp-server", "application",
    (Clause((Feature("runs", "pypi", "mcp-server-time"),)),),
)  # fmt: skip
SDK = Rule(
    "mcp-sdk/any", "SDK", "mcp-sdk", "library",
    (
        Clause((Feature("loads", "pypi", "mcp"),)),
        Clause((Feature("loads", "npm", "@modelcontextprotocol/sdk"),)),
    ),
)  # fmt: skip
RULES = RuleSet((TIME, SDK), ())
TO_SERVER, TO_CLIENT = 100, 200


def end(inode: int, descriptor: int, *, reads: bool) -> Stream:
    return Stream("pipe", inode, descriptor, reads=reads, writes=not reads)


def client(pid: int = 10, **fields: object) -> ProcessFacts:
    streams = (end(TO_SERVER, 5, reads=False), end(TO_CLIENT, 6, reads=True))
    process = make.process(pid, comm="agent", argv=("agent",), session=10, **fields)
    return make.seen(of=process, streams=streams)


def server(program: Program, pid: int = 12, parent: int = 10, first: int = 0) -> ProcessFacts:
    streams = (end(TO_SERVER, first, reads=True), end(TO_CLIENT, first + 1, reads=False))
    return make.seen(
        of=make.process(pid, parent=parent, session=10), program=program, streams=streams
    )


def running(package: Package | None = None, **fields: object) -> Program:
    return Program("s", "/bin/s", make.file("/bin/s"), package=package, **fields)


def inventory(*processes: ProcessFacts) -> Inventory:
    (found,) = identify(make.node(processes), RULES)
    return found


PYPI = make.package("mcp-server-time", "1.0")
NPM = Package(
    "npm", "@a/mcp-notes", "2.0", "/n/package.json", requires=("@modelcontextprotocol/sdk", "zod")
)


@pytest.mark.parametrize("first", [0, 6])  # the Python SDK moves the wire to 6 and 7
def test_a_known_server_and_its_client(first: int) -> None:
    found = inventory(client(), server(running(PYPI), first=first))
    (component,) = (c for c in found.components if c.kind == "mcp-server")
    assert component.ref == "pkg:pypi/mcp-server-time@1.0"
    (service,) = found.services
    assert (service.transport, service.clients) == ("stdio", ("pid 10: agent",))
    assert not component.inferred


def test_launchers_between_the_two_are_not_the_client() -> None:
    shell = server(Program("sh"), pid=11)
    found = inventory(client(), shell, server(running(PYPI), parent=11))
    assert found.services[0].clients == ("pid 10: agent",)
    assert len(found.services) == 1


def test_an_unknown_server_built_on_an_sdk_is_inferred() -> None:
    found = inventory(client(), server(running(NPM)))
    (component,) = (c for c in found.components if c.kind == "mcp-server")
    assert (component.purl, component.inferred) == ("pkg:npm/%40a/mcp-notes@2.0", True)


@pytest.mark.parametrize(
    "package",
    [
        replace(NPM, requires=("zod",)),  # not built on an SDK
        replace(NPM, name="notes-client"),  # a client uses the SDK as well
    ],
)
def test_other_programs_on_pipes_are_no_servers(package: Package) -> None:
    found = inventory(client(), server(running(package)))
    assert not [c for c in found.components if c.kind == "mcp-server"]


def test_an_unknown_server_needs_a_client() -> None:
    found = inventory(server(running(NPM)))
    assert not [c for c in found.components if c.kind == "mcp-server"]


def test_a_script_that_imports_the_server_part() -> None:
    found = inventory(client(), server(running(imports=("mcp.server.fastmcp", "os"))))
    (component,) = (c for c in found.components if c.kind == "mcp-server")
    assert (component.name, component.sha256, component.inferred) == ("s", make.DIGEST, True)


@pytest.mark.parametrize("imports", [("mcp", "mcp.client.stdio"), ("os",), ("mcp_server_x",)])
def test_a_script_that_imports_the_client_part_is_none(imports: tuple[str, ...]) -> None:
    assert not inventory(client(), server(running(imports=imports))).services


def test_socket_pairs_join_by_their_peers() -> None:
    mine = tuple(Stream("socket", 300 + d, d, True, True, peer=400 + d) for d in (0, 1))
    theirs = tuple(Stream("socket", 400 + d, 20 + d, True, True) for d in (0, 1))
    parent = make.seen(of=make.process(10, comm="node", argv=("node",), session=10), streams=theirs)
    child = make.seen(
        of=make.process(12, parent=10, session=10), program=running(PYPI), streams=mine
    )
    assert inventory(parent, child).services[0].clients == ("pid 10: node",)


def test_two_processes_of_one_server_are_one_component() -> None:
    found = inventory(client(), server(running(PYPI)), server(running(PYPI), pid=13))
    assert len([c for c in found.components if c.kind == "mcp-server"]) == 1
    assert len(found.services) == 1


def test_a_launcher_that_lends_its_stdio_serves_nothing() -> None:
    other = make.package("mcp-server-other", "1.0")
    rule = replace(
        TIME,
        id="mcp-server/other",
        clauses=(Clause((Feature("runs", "pypi", "mcp-server-other"),)),),
    )
    launcher = server(running(other), pid=11)
    found = identify(
        make.node([client(), launcher, server(running(PYPI), parent=11)]),
        RuleSet((TIME, SDK, rule), ()),
    )[0]
    assert [s.name for s in found.services] == ["mcp-server-time"]


def test_a_native_server_inside_an_npm_package() -> None:
    module = Package("golang", "ex.org/notes-mcp", "v1", "/n/bin", requires=("github.com/x/mcp",))
    owner = Package("npm", "notes-linux-x64", "1.0", "/n/package.json")
    binary = Binary(make.file("/n/bin", ""), modules=(module,), owner=owner)
    go_sdk = replace(
        SDK, id="mcp-sdk/go", clauses=(Clause((Feature("loads", "golang", "github.com/x/mcp"),)),)
    )
    native = replace(
        server(Program("bin", "/n/bin", make.file("/n/bin", ""), package=owner)),
        binaries=(binary,),
        process=make.process(12, parent=10, session=10, executable="/n/bin"),
    )
    (found,) = identify(make.node([client(), native]), RuleSet((go_sdk,), ()))
    assert [s.name for s in found.services] == ["ex.org/notes-mcp"]


def test_what_a_server_started_itself_is_not_its_client() -> None:
    child = replace(client(pid=20), process=make.process(20, parent=12, session=10, comm="child"))
    found = inventory(child, server(running(imports=("mcp.server.Server",)), parent=1))
    assert not found.services


def test_a_listening_server_is_not_called_stdio() -> None:
    listening = replace(
        server(running(imports=("fastmcp.FastMCP",))), connections=(Connection("0.0.0.0:80"),)
    )
    (service,) = inventory(client(), listening).services
    assert (service.transport, service.endpoints) == ("", ("tcp://0.0.0.0:80",))


def test_the_sdk_that_runs_a_script_is_not_the_server() -> None:
    sdk = make.package("mcp", "2.0", requires=("mcp",))
    assert not inventory(client(), server(running(sdk))).services
