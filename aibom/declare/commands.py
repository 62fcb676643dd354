"""MCP servers as claims: from the commands and addresses that clients are configured with."""

from collections.abc import Iterable

from aibom.formats.documents.keylines import key_lines
from aibom.formats.mcp import config
from aibom.formats.mcp.hidden import without_carried
from aibom.formats.mcp.launched import launched
from aibom.formats.net.hostname import host_name
from aibom.formats.net.urls import host_of
from aibom.formats.packages import purl
from aibom.formats.redact import redact_argv
from aibom.formats.source import FormatError
from aibom.formats.text import printable
from aibom.types.declared import Claim, Document
from aibom.types.mcp import ClientRule, ConfigFile, ConfigFormat
from aibom.types.mcpfacts import ConfiguredServer


def server_claim(argv: tuple[str, ...], document: str, line: int, name: str = "") -> Claim | None:
    """Return the claim of a command that a launcher runs; None where it names no package.

    ``name`` is how it is configured, by default the package's.
    """
    found = launched(argv)
    if found is None:
        return None
    if found.type == "oci":
        said = purl.of_image(found.name)
    else:
        said = purl.named(found.type, found.name, found.version)
    return Claim(
        document=document,
        name=printable(name or found.name, 200),
        kind="mcp-server",
        component="mcp-server",
        version=found.version,
        versions=found.versions,
        purl=said,
        argv=without_carried(redact_argv(argv)),
        line=line,
    )


def read(
    data: bytes, name: str, clients: Iterable[ClientRule], form: ConfigFormat
) -> Document | None:
    """Return what an MCP client's configuration claims; None where it names no server.

    Whose configuration it is does not matter: all places in which ``clients`` keep servers in
    files of this ``form`` are looked at. Secrets are removed (see formats.mcp.config).
    """
    places = dict.fromkeys(f.servers for c in clients for f in c.files if f.format == form)
    servers: set[ConfiguredServer] = set()
    for servers_at in places:
        try:
            servers.update(config.parse(data, ConfigFile("project", name, form, servers_at)))
        except FormatError:
            return None
    if not servers:
        return None
    lines = _lines(data, form)
    claims = tuple(_claim(s, name, lines.get(s.name, 0)) for s in sorted(servers))
    return Document(name, "mcp-config", f"MCP servers in {form.upper()}", claims)


def _lines(data: bytes, form: ConfigFormat) -> dict[str, int]:
    """Return in which lines of JSON members of a name stand, the first of each."""
    found: dict[str, int] = {}
    if form == "json":
        for way, line in key_lines(data.decode("utf-8-sig", "replace"), 4).items():
            if len(way) > 1:
                found.setdefault(str(way[-1]), line)
    return found


def _claim(server: ConfiguredServer, document: str, line: int) -> Claim:
    packaged = server_claim(server.argv, document, line, server.name) if server.argv else None
    if packaged is not None:
        return packaged
    host = host_name(host_of(server.url).encode())
    return Claim(
        document=document,
        name=server.name,
        kind="mcp-server",
        component="mcp-server",
        hosts=frozenset({host} - {""}),
        argv=server.argv,
        line=line,
    )
