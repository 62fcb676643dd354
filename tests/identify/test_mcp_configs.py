"""Configured MCP servers compared with running ones: what joins, and what deserves a look."""

from dataclasses import replace

import pytest
from test_mcp import NPM, PYPI, RULES, TO_CLIENT, TO_SERVER, client, end, running, server

from aibom.formats.mcp.commands import started
from aibom.identify.inventory import identify
from aibom.types.facts import ProcessFacts
from aibom.types.inventory import Inventory
from aibom.types.mcpfacts import ConfiguredServer, McpConfig
from aibom.types.packages import Program
from aibom.types.processes import Connection
from tests import make

FILE = "/app/.mcp.json"
TIME = ConfiguredServer("time", "stdio", ("uvx", "mcp-server-time"))
CHART = ConfiguredServer("chart", "stdio", ("npx", "-y", "@a/chart-mcp"))


def agent(*servers: ConfiguredServer, own: bool = True) -> ProcessFacts:
    return replace(client(), configs=(McpConfig(FILE, "mcp-client/folder", servers, own),))


def seen(*processes: ProcessFacts) -> Inventory:
    (found,) = identify(make.node(processes), RULES)
    return found


def kinds(found: Inventory) -> list[tuple[str, str]]:
    concerns = [c for s in found.services for c in s.concerns] + list(found.concerns)
    return [(c.kind, c.detail) for c in concerns]


def argv_of(argv: tuple[str, ...], facts: ProcessFacts) -> ProcessFacts:
    return replace(facts, process=replace(facts.process, argv=argv))


@pytest.mark.parametrize(
    ("configured", "package", "argv"),
    [
        (("uvx", "mcp-server-time"), PYPI, ("python", "/u/bin/mcp-server-time")),
        (("uvx", "--from", "mcp-server-time==1", "x"), PYPI, ("python", "/u/bin/x")),
        (("uv", "tool", "run", "mcp_server_time@latest"), PYPI, ("python", "/u/bin/y")),
        (
            ("python", "-m", "mcp_server_time", "--zone", "X"),
            PYPI,
            ("python3", "-m", "mcp_server_time"),
        ),
        (("/v/bin/mcp-server-time",), PYPI, ("/v/bin/python", "/v/bin/mcp-server-time")),
        (("mcp-server-time",), PYPI, ("/v/bin/python", "/v/bin/mcp-server-time")),
        (("npx", "-y", "@a/mcp-notes@2"), NPM, ("node", "/n/.bin/mcp-notes", "/tmp")),
        (("npm", "exec", "--", "@a/mcp-notes"), NPM, ("node", "/n/index.js")),
        (("bunx", "@a/mcp-notes"), NPM, ("node", "/n/index.js")),
        (("sh", "-c", "cd /x && npx @a/mcp-notes /tmp"), NPM, ("node", "/n/index.js")),
        (("node", "dist/index.js"), NPM, ("node", "dist/index.js")),
        (("node", "${workspaceFolder}/dist/index.js"), NPM, ("node", "/w/dist/index.js")),
    ],
)
def test_a_running_server_bears_its_configured_name(
    configured: tuple[str, ...], package: object, argv: tuple[str, ...]
) -> None:
    named = ConfiguredServer("mine", "stdio", configured)
    found = seen(agent(named), argv_of(argv, server(running(package))))
    (service,) = found.services
    assert ("aibom:mcp:configured", f"mine in {FILE}") in service.properties
    assert kinds(found) == []


def test_a_launcher_in_between_tells_what_was_configured() -> None:
    launcher = argv_of(("npm exec @a/chart-mcp /tmp",), server(Program("npm"), pid=11))
    found = seen(agent(CHART), launcher, server(running(NPM), parent=11))
    assert ("aibom:mcp:configured", f"chart in {FILE}") in found.services[0].properties
    assert kinds(found) == []


def test_configured_and_not_running() -> None:
    found = seen(agent(TIME, CHART), server(running(PYPI)))
    assert kinds(found) == [("mcp-not-running", "chart is configured and does not run")]
    assert found.concerns[0].path == FILE


def test_what_is_switched_off_need_not_run() -> None:
    assert kinds(seen(agent(TIME, replace(CHART, disabled=True)), server(running(PYPI)))) == []


def test_running_and_not_configured() -> None:
    rogue = argv_of(("node", "/x/rogue.js"), server(running(NPM), pid=13))
    found = seen(agent(TIME), server(running(PYPI)), rogue)
    ((kind, detail),) = kinds(found)
    assert kind == "mcp-not-configured"
    assert "agent started it" in detail


def test_a_program_that_starts_servers_in_its_code_is_not_accused() -> None:
    assert kinds(seen(client(), server(running(PYPI)))) == []
    # a file that some other client would read says nothing of this one
    assert kinds(seen(agent(CHART, own=False), server(running(PYPI)))) == []


def test_a_file_that_named_a_running_server_counts() -> None:
    found = seen(agent(TIME, CHART, own=False), server(running(PYPI)))
    assert [kind for kind, _ in kinds(found)] == ["mcp-not-running"]


def test_a_command_that_may_be_anything_keeps_silent() -> None:
    script = ConfiguredServer("own", "stdio", ("/opt/start-server",))
    found = seen(agent(script), argv_of(("node", "/x/i.js"), server(running(NPM))))
    assert [kind for kind, _ in kinds(found)] == ["mcp-not-running"]


def test_a_server_is_no_client_of_the_folder_it_runs_in() -> None:
    own = replace(server(running(PYPI)), configs=agent(CHART).configs)
    assert kinds(seen(client(), own)) == []


def listening(address: str, pid: int = 12) -> ProcessFacts:
    facts = server(running(imports=("fastmcp.FastMCP",)), pid=pid)
    return replace(facts, streams=(), connections=(Connection(address),))


@pytest.mark.parametrize(
    ("url", "address", "names"),
    [
        ("http://localhost:8000/mcp", "127.0.0.1:8000", True),
        ("http://127.0.0.1:8000/mcp", "0.0.0.0:8000", True),
        ("http://[::1]:8000/mcp", "[::]:8000", True),
        ("http://127.0.0.1:9000/mcp", "127.0.0.1:8000", False),
    ],
)
def test_a_url_leads_to_who_listens(url: str, address: str, names: bool) -> None:
    remote = ConfiguredServer("web", "streamable-http", url=url)
    found = seen(agent(remote), listening(address))
    (service,) = found.services
    assert (("aibom:mcp:configured", f"web in {FILE}") in service.properties) == names
    assert service.transport == ("streamable-http" if names else "")
    assert ("mcp-not-running" in [kind for kind, _ in kinds(found)]) != names


def test_a_remote_endpoint_need_not_run_here() -> None:
    remote = ConfiguredServer("web", url="https://mcp.example/mcp")
    assert kinds(seen(agent(remote, TIME), server(running(PYPI)))) == []


def test_a_server_in_a_container_of_its_own_is_said_not_to_be_seen() -> None:
    docker = ConfiguredServer(
        "db", "stdio", ("docker", "run", "-i", "--rm", "-e", "A=1", "a/db-mcp")
    )
    argv = ("docker", "run", "-i", "--rm", "-e", "A=1", "a/db-mcp")
    found = seen(
        agent(docker, TIME), argv_of(argv, server(Program("docker"), pid=14)), server(running(PYPI))
    )
    assert kinds(found) == []
    assert "a/db-mcp" in found.unseen[0].detail


def test_a_runtime_is_nobodys_client() -> None:
    process = make.process(10, comm="shim", executable="/usr/bin/containerd-shim-runc-v2")
    streams = (end(TO_SERVER, 5, reads=False), end(TO_CLIENT, 6, reads=True))
    shim = make.seen(of=process, streams=streams)
    found = identify(make.node([shim, server(running(PYPI))]), RULES, as_one=True)[0]
    (service,) = found.services
    assert (service.transport, service.clients) == ("stdio", ())


@pytest.mark.parametrize(
    ("argv", "names", "image"),
    [
        ((), set(), ""),
        (("npx",), set(), ""),
        (("npx", "-p", "@a/b", "c"), {"@a/b", "c"}, ""),
        (("uvx", "--with", "x", "b[cli]>=1"), {"b"}, ""),
        (("uv", "run", "--directory", "/d", "server.py"), set(), ""),
        (("uv", "run", "python", "-m", "b_c"), {"b-c"}, ""),
        (("docker", "run", "--name", "n", "-v", "/a:/b", "-i", "img:1", "--x"), set(), "img:1"),
        (("docker", "compose", "up"), set(), ""),
        (("mcp-b",), {"mcp-b"}, ""),
    ],
)
def test_what_a_command_starts(argv: tuple[str, ...], names: set[str], image: str) -> None:
    found = started(argv)
    assert (set(found.names), found.image) == (names, image)


def test_of_many_servers_that_do_not_run_some_are_named() -> None:
    servers = [ConfiguredServer(f"s{n:03}", "stdio", (f"p{n}",)) for n in range(150)]
    found = kinds(seen(agent(*servers)))
    assert len(found) == 51
    assert ("mcp-not-running", "100 more are configured and do not run") in found
