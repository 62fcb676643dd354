"""The services that MCP servers are: their clients, how they are reached, what they answered."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from aibom.formats.mcp.tools import TOOL
from aibom.identify.mcp.configs import Comparison, compared
from aibom.identify.mcp.servers import Serving, service_of
from aibom.identify.mcp.transport import EXPOSURE, exposure
from aibom.types.concerns import Concern
from aibom.types.facts import ProcessFacts
from aibom.types.inventory import Component, Service, WorkloadKind
from aibom.types.mcpfacts import McpAnswer


def mcp_services(
    serving: Sequence[Serving],
    components: Iterable[Component],
    members: Sequence[ProcessFacts],
    everyone: Mapping[int, ProcessFacts],
    kind: WorkloadKind,
) -> tuple[list[Service], Comparison]:
    """Return the services of a workload's MCP servers, and what configurations say besides.

    ``members`` are its processes, and ``kind`` is what it is.
    """
    known = {c.ref: c for c in components}
    services: dict[str, Service] = {}
    answers: dict[str, set[McpAnswer]] = defaultdict(set)
    opened: dict[str, set[str]] = defaultdict(set)
    for server in serving:
        service = service_of(server, known[server.component].evidence)
        services[service.ref] = _both(services.get(service.ref, service), service)
        answers[service.ref] |= set(server.found.answers)
        # a server of stdio that listens as well does so for something else
        opened[service.ref] |= set(service.endpoints if service.transport != "stdio" else ())
    configured = compared(members, serving, everyone)
    told = [
        _exposed(_answered(configured.told(s), sorted(answers[s.ref])), sorted(opened[s.ref]), kind)
        for s in services.values()
    ]
    return told, configured


def _both(known: Service, service: Service) -> Service:
    """Return what two processes of one server show together."""
    return replace(
        known,
        transport=_joined(known.transport, service.transport),
        clients=tuple(sorted({*known.clients, *service.clients})),
        client_pids=tuple(sorted({*known.client_pids, *service.client_pids})),
        endpoints=tuple(sorted({*known.endpoints, *service.endpoints})),
    )


def _joined(*transports: str) -> str:
    """Return transports that processes of one server have, each once."""
    words = {word for transport in transports for word in transport.split(", ") if word}
    return ", ".join(sorted(words))


def _answered(service: Service, answers: Sequence[McpAnswer]) -> Service:
    """Return a service with what its processes said when they were asked."""
    pairs: list[tuple[str, str]] = []
    concerns: list[Concern] = []
    for answer in answers:
        pairs += [("aibom:mcp:asked", answer.endpoint), ("aibom:mcp:protocol", answer.protocol)]
        pairs.append(("aibom:mcp:claimed-name", f"{answer.name} {answer.version}".strip()))
        for tool in answer.tools:
            pairs.append((TOOL, f"{tool.name} sha256:{tool.sha256}"))
            concerns += [
                Concern("mcp-tool-text", "suspicious", f"tool {tool.name}: {why}")
                for why in tool.suspicions
            ]
    said = {a.authentication for a in answers} - {""}
    return replace(
        service,
        transport=_joined(_of_stdio(service), *(a.transport for a in answers)) or service.transport,
        # one way in that asks for nothing is what counts
        authenticated="none" not in said if said else None,
        properties=(*service.properties, *dict.fromkeys(p for p in pairs if p[1])),
        concerns=(*service.concerns, *dict.fromkeys(concerns)),
    )


def _of_stdio(service: Service) -> str:
    return "stdio" if "stdio" in service.transport.split(", ") else ""


def _exposed(service: Service, opened: Sequence[str], kind: WorkloadKind) -> Service:
    """Return a service with how far it can be reached from, and whether that is a concern.

    ``opened`` are the endpoints on which it may speak MCP.
    """
    width = exposure(tuple(opened), kind)
    if not width:
        return service
    properties = (*service.properties, (EXPOSURE, width))
    service = replace(service, properties=properties)
    if width == "loopback" or service.authenticated:
        return service
    ports = ", ".join(opened)
    if service.authenticated is None:
        concern = Concern("mcp-exposed", "note", f"listens on {ports}; who may use it is not seen")
    else:
        detail = f"listens on {ports} and answers without authentication"
        concern = Concern("mcp-exposed", "suspicious", detail)
    return replace(service, concerns=(*service.concerns, concern))
