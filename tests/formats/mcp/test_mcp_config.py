"""Configuration files of MCP clients: every form that they have, and hostile ones."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.mcp import config
from aibom.formats.source import FormatError
from aibom.types.mcp import ConfigFile
from aibom.types.mcpfacts import ConfiguredServer

STD = ConfigFile("project", ".mcp.json", "json", ("mcpServers",))
TOML = ConfigFile("home", ".codex/config.toml", "toml", ("mcp_servers",))
YAML = ConfigFile("home", "config.yaml", "yaml", ("extensions",))
TIME = ConfiguredServer("time", "stdio", ("uvx", "mcp-server-time"))
COMMAND = {"command": "uvx", "args": ["mcp-server-time"]}


def one(entry: object, name: str = "time") -> tuple[ConfiguredServer, ...]:
    return config.parse(json.dumps({"mcpServers": {name: entry}}).encode(), STD)


@pytest.mark.parametrize(
    "entry",
    [
        COMMAND,
        {"type": "stdio", "cmd": "uvx", "args": ["mcp-server-time"], "env": {"A_KEY": "secret"}},
        {"type": "local", "command": ["uvx", "mcp-server-time"], "environment": {"A": "secret"}},
        {"command": {"path": "uvx", "args": ["mcp-server-time"], "env": {"A": "secret"}}},
    ],
)
def test_every_way_to_write_a_command(entry: object) -> None:
    assert one(entry) == (TIME,)


@pytest.mark.parametrize(
    ("entry", "transport", "url"),
    [
        ({"url": "http://127.0.0.1:8000/mcp"}, "", "http://127.0.0.1:8000/mcp"),
        ({"type": "sse", "url": "http://x.example/sse"}, "sse", "http://x.example/sse"),
        ({"httpUrl": "https://X.example/mcp"}, "", "https://x.example/mcp"),
        ({"serverUrl": "https://x.example"}, "", "https://x.example"),
        (
            {"type": "streamableHttp", "uri": "http://[::1]:80/mcp"},
            "streamable-http",
            "http://[::1]:80/mcp",
        ),
        ({"url": "https://me:secret@x.example/mcp?key=secret#s"}, "", "https://x.example/mcp"),
        ({"url": "https://me@x.example:secret@y.example/mcp"}, "", "https://y.example/mcp"),
        ({"url": "https://x.example/mcp;key=secret"}, "", "https://x.example/mcp"),
        (
            {"url": "https://mcp.example/s/ZmE4OWY3Njc2Nzg5OTg3/mcp"},
            "",
            "https://mcp.example/s/***/mcp",
        ),
    ],
)
def test_remote_servers_lose_their_secrets(entry: dict[str, str], transport: str, url: str) -> None:
    assert one(entry) == (ConfiguredServer("time", transport, url=url),)


@pytest.mark.parametrize(
    ("argv", "kept"),
    [
        (["npx", "a", "--api-key", "secret"], ("npx", "a", "--api-key", "***")),
        (["docker", "run", "-e", "WORD=secret", "img"], ("docker", "run", "-e", "WORD=***", "img")),
        (["x", "--header", "X-Mine: secret"], ("x", "--header", "X-Mine:***")),
        (["x", "-e", "PLAIN"], ("x", "-e", "PLAIN")),
    ],
)
def test_commands_lose_their_secrets(argv: list[str], kept: tuple[str, ...]) -> None:
    (server,) = one({"command": argv})
    assert server.argv == kept


@pytest.mark.parametrize("off", [{"disabled": True}, {"enabled": False}])
def test_what_is_switched_off_is_known_as_such(off: dict[str, bool]) -> None:
    (server,) = one({**COMMAND, **off})
    assert server.disabled


@pytest.mark.parametrize(
    "entry",
    [None, 3, [], {}, {"type": "builtin"}, {"command": ""}, {"command": 3}, {"url": "file:///x"}],
)
def test_what_is_no_server_names_none(entry: object) -> None:
    assert one(entry) == ()


def test_comments_and_trailing_commas() -> None:
    text = b"""// what // this is
    {"mcpServers": { /* one */ "time": {"command": "uvx", "args": ["mcp-server-time",],},
      "odd": {"command": "x", "args": ["// no comment", "/* none */", "a,]", "\\"// no"]}, } }"""
    odd = ConfiguredServer("odd", "stdio", ("x", "// no comment", "/* none */", "a,]", '"// no'))
    assert config.parse(text, STD) == (odd, TIME)


def test_toml_and_yaml() -> None:
    toml = b'[mcp_servers.time]\ncommand = "uvx"\nargs = ["mcp-server-time"]\nenv = {A = "s"}\n'
    yaml = b"extensions:\n  time: {cmd: uvx, args: [mcp-server-time]}\n  own: {type: builtin}\n"
    assert config.parse(toml, TOML) == config.parse(yaml, YAML) == (TIME,)


def test_keys_may_lead_through_any_name() -> None:
    file = ConfigFile("home", ".claude.json", "json", ("projects", "*", "mcpServers"))
    data = json.dumps({"projects": {"/a": {"mcpServers": {"time": COMMAND}}, "/b": {}, "/c": 3}})
    assert config.parse(data.encode(), file) == (TIME,)


@pytest.mark.parametrize(
    ("data", "file"),
    [
        (b"[1]", STD),
        (b'{"a": 1, "a": 2}', STD),
        (b"[" * 100_000, STD),
        (b"\xff\xfe{", STD),
        (b"a = ", TOML),
        (b"a: &x [1]\nb: *x", YAML),
        (b"a: 1\na: 2", YAML),
        (b"a: !!python/object/apply:os.system [id]", YAML),
        (b"[" * 1000, YAML),
    ],
)
def test_other_documents_are_refused(data: bytes, file: ConfigFile) -> None:
    with pytest.raises(FormatError):
        config.parse(data, file)


@pytest.mark.parametrize("text", ["/*" * 200_000, '"' * 400_000, '"\\' * 200_000, "," * 400_000])
def test_endless_comments_and_strings_cost_little(text: str) -> None:
    with pytest.raises(FormatError):
        config.parse(text.encode(), STD)


@pytest.mark.parametrize("file", [STD, TOML, YAML])
def test_a_copy_without_secrets_names_the_same(file: ConfigFile) -> None:
    servers = {
        "time": COMMAND | {"env": {"KEY": "hush"}},
        'a "b".c': {"url": "https://x.example/mcp", "headers": {"X": "hush"}, "disabled": True},
    }
    key = file.servers[0]
    if file.format == "toml":
        data = (
            b'[mcp_servers.time]\ncommand = "uvx"\nargs = ["mcp-server-time"]\nenv = {A = "hush"}\n'
            b'["mcp_servers"."a \\"b\\".c"]\nurl = "https://x.example/mcp"\ndisabled = true\n'
        )
    else:
        data = json.dumps({key: servers}, separators=(",", ":")).encode()
    copy = config.without_secrets(data, [file])
    assert b"hush" not in copy
    assert config.parse(copy, file) == config.parse(data, file)
    assert len(config.parse(copy, file)) == 2
    assert len(copy) <= len(data)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    for file in (STD, TOML, YAML):
        try:
            config.parse(data, file)
        except FormatError:
            continue


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["command", "args", "url", "type", "x", "name"]), inner)
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_document(value: object) -> None:
    data = json.dumps({"mcpServers": value}).encode()
    for server in config.parse(data, STD):
        assert bool(server.argv) != bool(server.url)


@pytest.mark.parametrize("host", ["me:pw/x@h", "me:pw?x@h", "me:pw x@h", "h\\\\@me:pw@h"])
def test_a_password_that_tears_its_url_leaves_nothing(host: str) -> None:
    assert one({"url": f"https://{host}/mcp"}) == ()


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (["mcp-remote", "https://x.example/s/ZmE4OWY3Njc2Nzg5/mcp"], "https://x.example/s/***/mcp"),
        (["x", "--header=X-Own: secret"], "--header=X-Own:***"),
        (["x", "-HX-Own: secret"], "-HX-Own:***"),
        (["run", "-eOWN=secret", "x"], "-eOWN=***"),
        (["run", "--env=OWN=secret", "x"], "--env=OWN=***"),
        (["-c", "OWN=secret OTHER='se cret' npx x"], "OWN=*** OTHER=*** npx x"),
    ],
)
def test_commands_lose_what_they_set(arguments: list[str], kept: str) -> None:
    (server,) = one({"command": "npx", "args": arguments})
    assert kept in server.argv
    assert "cret" not in str(server.argv)


@pytest.mark.parametrize(
    "value",
    [
        "1:" * 100_000 + "1",
        "!!bool x",
        "!!int ''",
        "!!float ''",
        "!!timestamp x",
        "1:" * 400 + "1.0",
        "2001-99-99",
    ],
)
def test_yaml_whose_scalars_do_not_fit_their_tags_is_refused(value: str) -> None:
    with pytest.raises(FormatError):
        config.parse(f"extensions:\n  a: {value}\n".encode(), YAML)


@pytest.mark.parametrize("part", ["a.", '"a" . ', "'a'.b."])
def test_keys_of_thousands_of_parts_are_refused(part: str) -> None:
    with pytest.raises(FormatError, match="too many parts"):
        config.parse(f"{part * 20_000}a = 1".encode(), TOML)


@pytest.mark.parametrize("file", [TOML, YAML])
def test_values_that_take_much_room_are_read_so_far(file: ConfigFile) -> None:
    with pytest.raises(FormatError, match="larger"):
        config.parse(b"#" * (config.MAX_TEXT + 1), file)
