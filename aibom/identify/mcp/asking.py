"""Which MCP servers may be asked for their tools, and what their answers mean."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from aibom.formats.mcp.messages import McpReply
from aibom.formats.mcp.tools import tool_of
from aibom.identify.mcp.transport import EXPOSURE
from aibom.identify.network.ends import address_of
from aibom.types.facts import NodeFacts, ProcessFacts
from aibom.types.inventory import Inventory
from aibom.types.mcp import McpQuestion, TextRule
from aibom.types.mcpfacts import McpAnswer
from aibom.types.unseen import Unseen

#: Most ports of one process that are asked.
MAX_PORTS = 4
_PATHS = ("/mcp", "/mcp/", "/", "/sse")
_EVERY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound to it


def questions(facts: NodeFacts, inventories: Iterable[Inventory]) -> tuple[McpQuestion, ...]:
    """Return the servers to ask: those that were identified as such and listen, each port once.

    A server of stdio that listens as well does so for something else.
    """
    serving = {
        e.pid
        for inventory in inventories
        for service in inventory.services
        for component in inventory.components
        if component.ref == service.component
        and any(name == EXPOSURE for name, _ in service.properties)
        for e in component.evidence
    }
    configured = _configured_paths(facts)
    found: dict[tuple[str, str, int], McpQuestion] = {}
    for process in facts.processes:
        if process.process.pid not in serving:
            continue
        for question in _ports(process, configured):
            where = (process.process.network_namespace, question.host, question.port)
            found.setdefault(where, question)
    return tuple(sorted(found.values()))


def _ports(
    found: ProcessFacts, configured: Mapping[tuple[str, int], set[str]]
) -> list[McpQuestion]:
    process = found.process
    asked: dict[int, McpQuestion] = {}
    for connection in found.connections:
        address = address_of(connection.local)
        if connection.remote or connection.protocol != "tcp" or address is None:
            continue
        port = int(address.port)
        named = sorted(configured.get((process.network_namespace, port), ()))
        paths = (*named, *_PATHS)
        host = _EVERY.get(address.host, address.host)
        question = McpQuestion(
            process.pid, process.start_ticks, host, port, tuple(dict.fromkeys(paths))
        )
        # of IPv4 and IPv6 the first that answers would say the same
        known = asked.get(port)
        asked[port] = question if known is None or ":" in known.host else known
    return [asked[port] for port in sorted(asked)[:MAX_PORTS]]


def _configured_paths(facts: NodeFacts) -> dict[tuple[str, int], set[str]]:
    """Return the paths that clients' configurations name, by network namespace and port.

    One in another namespace could not reach the server itself, and shall not do so through us.
    """
    paths: dict[tuple[str, int], set[str]] = defaultdict(set)
    servers = (
        (p.process.network_namespace, s)
        for p in facts.processes
        for c in p.configs
        for s in c.servers
        if s.url
    )
    for namespace, server in servers:
        place, slash, path = server.url.partition("://")[2].partition("/")
        port = place.rpartition(":")[2]
        # a path that lost a key leads nowhere; what must be quoted is nobody's
        if port.isdigit() and slash and "*" not in path and path.isascii() and path.isprintable():
            paths[namespace, int(port)].add(f"/{path}" if " " not in path else "/")
    return paths


def answer_of(reply: McpReply, texts: Iterable[TextRule]) -> McpAnswer:
    """Return what a reply means: its tools hashed, and their texts looked through."""
    rules = tuple(texts)
    tools = (tool_of(json.loads(text), rules) for text in reply.tools)
    return McpAnswer(
        endpoint=reply.endpoint,
        transport=reply.transport,
        protocol=reply.protocol,
        name=reply.name,
        version=reply.version,
        authentication=reply.authentication,
        tools=tuple(sorted(tools)),
    )


def with_answers(
    facts: NodeFacts, answers: Mapping[McpQuestion, McpAnswer], unseen: Iterable[Unseen]
) -> NodeFacts:
    """Return facts with what servers answered, each to the process that was asked."""
    given: dict[tuple[int, int], list[McpAnswer]] = defaultdict(list)
    for question, answer in answers.items():
        given[question.pid, question.start_ticks].append(answer)
    processes = tuple(
        replace(p, answers=tuple(sorted(given.get((p.process.pid, p.process.start_ticks), ()))))
        for p in facts.processes
    )
    noted = tuple(dict.fromkeys((*facts.unseen, *unseen)))
    return replace(facts, processes=processes, unseen=noted)
