"""Where the URLs of configured MCP servers lead: to a server here, or to a destination."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from aibom.identify.network.ends import address_of
from aibom.types.facts import ProcessFacts
from aibom.types.inventory import Service
from aibom.types.mcpfacts import ConfiguredServer

_LOOPBACK = frozenset({"localhost", "0.0.0.0", "[::]"})  # noqa: S104 - a name, nothing is bound
_PORTS = {"http": "80", "https": "443"}


def place_of(url: str) -> tuple[str, str]:
    """Return host and port of a URL (see formats.mcp.hidden.clean_url)."""
    scheme, _, rest = url.partition("://")
    host, _, port = rest.partition("/")[0].rpartition(":")
    if not host or port.endswith("]"):
        return rest.partition("/")[0], _PORTS.get(scheme, "")
    return host, port


def is_local(server: ConfiguredServer) -> bool:
    """Say whether a server would run here: a command, or a URL of this very machine."""
    if not server.url:
        return True
    host, port = place_of(server.url)
    address = address_of(f"{host}:{port}")
    return host in _LOOPBACK or (address is not None and address.loopback)


def listens_at(found: ProcessFacts, url: str, client: ProcessFacts) -> bool:
    """Say whether a server is the one that a client's URL leads to."""
    host, port = place_of(url)
    ports = {
        address.port
        for c in found.connections
        if not c.remote and (address := address_of(c.local)) is not None
    }
    if port not in ports:
        return False
    same = found.process.network_namespace == client.process.network_namespace
    here = is_local(ConfiguredServer("", url=url))
    own = {a.host for c in found.connections if (a := address_of(c.local)) is not None}
    return (here and same) or host.strip("[]") in own


def leads_to(host: str, remote: str, url: str) -> bool:
    """Say whether a connection to ``remote``, known as ``host``, leads where a URL does."""
    wanted, port = place_of(url)
    address = address_of(remote)
    if address is None or address.port != port:
        return False
    return wanted.strip("[]") in (host, address.host)


def configured_destinations(
    services: Iterable[Service], members: Sequence[ProcessFacts]
) -> tuple[Service, ...]:
    """Return services, of which the remote ones bear the names that configurations give them."""
    said: dict[tuple[str, str], set[str]] = defaultdict(set)
    for found in members:
        for config in found.configs:
            for server in config.servers:
                if server.url:
                    said[place_of(server.url)].add(f"{server.name} in {config.path}")
    return tuple(_with_names(service, said) for service in services)


def _with_names(service: Service, said: Mapping[tuple[str, str], set[str]]) -> Service:
    if service.component:
        return service
    names = {n for e in service.endpoints for n in said.get(place_of(e), ())}
    known = tuple(("aibom:mcp:configured", name) for name in sorted(names))
    return replace(service, properties=(*service.properties, *known))
