"""Where configurations of MCP clients are looked for, and for which processes."""

import json
import os
from pathlib import Path

import pytest

from aibom.observe.host.live import LiveHost
from aibom.observe.mcp.configs import McpConfigs
from aibom.rulebook.load import load
from aibom.types.mcpfacts import McpConfig
from aibom.types.packages import LoadedPackage, Program
from aibom.types.processes import Stream
from aibom.types.unseen import Unseen
from tests import make

RULES = load()
SERVERS = json.dumps({"mcpServers": {"time": {"command": "uvx", "args": ["mcp-server-time"]}}})
SDK = (LoadedPackage(make.package("mcp", "2.0"), make.file("/s/mcp/__init__.py")),)
PIPES = tuple(Stream("pipe", n, n, reads=True, writes=False) for n in range(5))


def found(
    cwd: Path,
    home: Path,
    program: Program,
    packages: tuple[LoadedPackage, ...] = (),
    executable: str = "/usr/bin/python3",
) -> tuple[tuple[McpConfig, ...], tuple[Unseen, ...]]:
    process = make.process(
        os.getpid(), cwd=str(cwd), environment={"HOME": str(home)}, executable=executable
    )
    return McpConfigs(LiveHost(), RULES).of(process, program, packages, PIPES)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a home with a project in it, each with configurations."""
    project = tmp_path / "home" / "project" / "deep"
    (project / ".cursor").mkdir(parents=True)
    (project.parent / ".mcp.json").write_text(SERVERS)
    (project / ".cursor" / "mcp.json").write_text(SERVERS)
    (tmp_path / "home" / ".mcp.json").write_text(SERVERS)
    (tmp_path / "home" / ".claude.json").write_text(SERVERS)
    return tmp_path / "home"


def test_a_program_with_an_sdk_may_read_any_file(place: Path) -> None:
    configs, unseen = found(place / "project" / "deep", place, Program("agent.py"), SDK)
    own = {c.path.removeprefix(f"{place}/"): c.own for c in configs}
    assert own == {
        ".claude.json": False,
        ".mcp.json": False,  # a home is no project; mcphost reads this one
        "project/.mcp.json": True,
        "project/deep/.cursor/mcp.json": False,
    }
    assert unseen == ()


def test_a_known_client_reads_its_own(place: Path) -> None:
    claude = Program("claude", package=make.package("@anthropic-ai/claude-code", "2", "npm"))
    configs, _ = found(place / "project" / "deep", place, claude)
    assert [c.path.removeprefix(f"{place}/") for c in configs if c.own] == [
        ".claude.json",
        "project/.mcp.json",
    ]
    assert len(configs) == 2


def test_a_program_in_javascript_is_not_known_to_read_any(place: Path) -> None:
    configs, _ = found(place / "project", place, Program("app.js"), executable="/usr/bin/node")
    assert configs
    assert not any(c.own for c in configs)


def test_other_programs_are_none_of_our_business(place: Path) -> None:
    assert found(place / "project", place, Program("app.py")) == ((), ())


def test_what_is_no_configuration_is_said_or_skipped(tmp_path: Path) -> None:
    (tmp_path / ".mcp.json").write_text("{")
    os.mkfifo(tmp_path / "mcp.json")
    (tmp_path / "mcp_config.json").symlink_to("/proc/kmsg")
    (tmp_path / "mcp_servers.json").write_bytes(b" " * (5 << 20))
    configs, unseen = found(tmp_path, tmp_path / "none", Program("agent.py"), SDK)
    assert configs == ()
    said = {u.subject.rpartition("/")[2]: u.reason for u in unseen}
    if os.geteuid() != 0:  # who may not open the link's end is told so
        assert said.pop("mcp_config.json") == "denied"
    assert sorted(said) == [".mcp.json", "mcp_servers.json"]


def test_more_servers_than_anybody_has_are_not_compared(tmp_path: Path) -> None:
    for name in ("mcp.json", "mcp_config.json", ".mcp.json"):
        servers = {f"{name}{n}": {"command": "x"} for n in range(200)}
        (tmp_path / name).write_text(json.dumps({"mcpServers": servers}))
    configs, unseen = found(tmp_path, tmp_path / "none", Program("agent.py"), SDK)
    assert configs == ()
    assert [u.reason for u in unseen] == ["too-large"]
