"""Configurations of MCP clients to claims, with secrets removed."""

import re
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.declare import recognise
from aibom.formats.mcp.launched import Launched, launched
from aibom.formats.source import FormatError
from aibom.rulebook.load import load

RULES = cache(load)
CONFIG = """\
{
  // servers of this folder
  "mcpServers": {
    "time": {"command": "uvx", "args": ["mcp-server-time==2025.8.4", "--api-key", "hunter22"]},
    "docs": {"url": "https://docs.example.org/mcp?key=hunter22", "headers": {"A": "hunter22"}},
    "fetch": {"command": "docker", "args": ["run", "-i", "--rm", "-e", "T=hunter22", "mcp/fetch"]},
    "own": {"command": "python", "args": ["server.py"], "disabled": true},
  }
}
"""


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        ("npx -y @acme/mcp@1.2.3", Launched("npm", "@acme/mcp", "1.2.3")),
        ("npx -y mcp-x@latest", Launched("npm", "mcp-x")),
        ("npx -y mcp-x@^1.2", Launched("npm", "mcp-x", "", "^1.2")),
        ("npx --yes -p mcp-x@1.0.0 run-x", Launched("npm", "mcp-x", "1.0.0")),
        ("npm exec mcp-x@1.0.0", Launched("npm", "mcp-x", "1.0.0")),
        ("pnpm dlx mcp-x", Launched("npm", "mcp-x")),
        ("bunx mcp-x", Launched("npm", "mcp-x")),
        ("uvx mcp-server-time==2025.8.4", Launched("pypi", "mcp-server-time", "2025.8.4")),
        ("uvx mcp-server-time@2025.8.4", Launched("pypi", "mcp-server-time", "2025.8.4")),
        ("uvx mcp-server-time@latest", Launched("pypi", "mcp-server-time")),
        ("uvx --from mcp-x[all]>=1.2 run-x", Launched("pypi", "mcp-x", "", ">=1.2")),
        ("uvx --python 3.12 mcp-x --port 1", Launched("pypi", "mcp-x")),
        ("uv tool run mcp-x", Launched("pypi", "mcp-x")),
        ("pipx run mcp-x", Launched("pypi", "mcp-x")),
        ("docker run -i --rm mcp/time:1", Launched("oci", "mcp/time:1")),
        ("npx -y github:acme/mcp", None),
        ("npx -y ./local", None),
        ("uvx --from git+https://github.com/a/b mcp-x", None),
        ("uv run server.py", None),
        ("npm start", None),
        ("python -m mcp_server_time", None),
        ("npx", None),
        ("", None),
    ],
)
def test_what_a_command_fetches(argv: str, found: Launched | None) -> None:
    assert launched(tuple(argv.split())) == found


def test_a_configuration_with_comments() -> None:
    found = recognise.document(CONFIG.encode(), "mcp.json", RULES)
    assert (found.kind, found.form) == ("mcp-config", "MCP servers in JSON")
    assert [(c.name, c.kind, c.purl, *c.hosts, c.line) for c in found.claims] == [
        ("docs", "mcp-server", "", "docs.example.org", 5),
        ("fetch", "mcp-server", "", 6),
        ("own", "mcp-server", "", 7),
        ("time", "mcp-server", "pkg:pypi/mcp-server-time@2025.8.4", 4),
    ]
    assert not re.search("hunter22", repr(found))


@pytest.mark.parametrize(
    "text",
    [
        '[mcp_servers.fs]\ncommand = "npx"\nargs = ["-y", "mcp-x"]\n',
        "extensions:\n  fs:\n    cmd: npx\n    args: [-y, mcp-x]\n    type: stdio\n",
        '{"servers": {"fs": {"type": "stdio", "command": "npx", "args": ["-y", "mcp-x"]}}}',
    ],
)
def test_other_forms(text: str) -> None:
    found = recognise.document(text.encode(), "config", RULES)
    assert [(c.name, c.purl) for c in found.claims] == [("fs", "pkg:npm/mcp-x")]


@given(st.data())
def test_damaged_configurations_are_read_or_refused(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(CONFIG)))
    end = data.draw(st.integers(start, min(len(CONFIG), start + 30)))
    damaged = CONFIG[:start] + data.draw(st.text(max_size=10)) + CONFIG[end:]
    try:
        recognise.document(damaged.encode(), "mcp.json", RULES)
    except FormatError as error:
        assert "\n" not in str(error)  # noqa: PT017 - any other exception fails the test
