"""MCP as it was found: configurations of clients, answers of servers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class ConfiguredServer:
    """One MCP server in a client's configuration, with secrets removed.

    ``argv`` is the command of a stdio server, ``url`` the endpoint of a remote one.
    """

    name: str
    transport: str = ""
    argv: tuple[str, ...] = ()
    url: str = ""
    disabled: bool = False


@dataclass(frozen=True, slots=True, order=True)
class McpConfig:
    """A configuration file of an MCP client, found where a process would read it.

    ``client`` is the id of the rule that knows the file. ``own`` is true where the process is
    known to read it: it is that client, or the file is nobody's in particular and lies where the
    process works.
    """

    path: str
    client: str
    servers: tuple[ConfiguredServer, ...] = ()
    own: bool = False


@dataclass(frozen=True, slots=True, order=True)
class McpTool:
    """A tool that a server offers. ``sha256`` is of its whole definition in canonical JSON.

    ``suspicions`` say what in its texts looks like instructions to the model that people would
    not see.
    """

    name: str
    sha256: str
    suspicions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class McpAnswer:
    """What a listening MCP server answered when it was asked (``--mcp-ask``).

    ``authentication`` is ``none`` where it answered without, ``required`` where it refused. What
    it calls itself is a claim.
    """

    endpoint: str
    transport: str
    protocol: str = ""
    name: str = ""
    version: str = ""
    authentication: str = ""
    tools: tuple[McpTool, ...] = ()
