"""What MCP clients are configured with, compared with what runs."""

import posixpath
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from aibom.formats.mcp.commands import Started, comparable, started
from aibom.identify.mcp.servers import Serving
from aibom.identify.mcp.urls import is_local, leads_to, listens_at
from aibom.types.concerns import Concern
from aibom.types.facts import ProcessFacts
from aibom.types.inventory import Service
from aibom.types.mcpfacts import ConfiguredServer, McpConfig
from aibom.types.unseen import Unseen

#: Most servers of one workload that are told of as configured and not running.
MAX_MISSING = 50


@dataclass
class Comparison:
    """What configurations say of one workload's services, by ref, and of the workload."""

    named: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    transports: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    concerns: dict[str, set[Concern]] = field(default_factory=lambda: defaultdict(set))
    missing: tuple[Concern, ...] = ()
    unseen: tuple[Unseen, ...] = ()

    def told(self, service: Service) -> Service:
        """Return a service with what configurations say of it."""
        known = [("aibom:mcp:configured", text) for text in sorted(self.named[service.ref])]
        transports = self.transports[service.ref] - {"", "stdio"}
        over = transports.pop() if len(transports) == 1 else ""
        return replace(
            service,
            transport=service.transport or (over if service.endpoints else ""),
            properties=(*service.properties, *known),
            concerns=(*service.concerns, *sorted(self.concerns[service.ref])),
        )


def compared(
    members: Sequence[ProcessFacts],
    serving: Sequence[Serving],
    everyone: Mapping[int, ProcessFacts],
) -> Comparison:
    """Compare the configurations of a workload's processes, its ``members``, with its servers.

    A configuration counts when its process is known to read it, or started a server that it
    names. Without one that counts nothing is said of servers that a program starts by itself.
    """
    result = Comparison()
    running = {s.found.process.pid for s in serving}
    clients = {s.client.process.pid for s in serving if s.client is not None}
    found: dict[tuple[str, str], bool] = {}
    for process in members:
        pid = process.process.pid
        if process.configs and (pid not in running or pid in clients):
            _Client(process, serving, everyone).compare(result, found)
    missing = sorted(place for place, runs in found.items() if not runs)
    told = [(f"{name} is configured and does not run", path) for path, name in missing]
    if len(told) > MAX_MISSING:
        told[MAX_MISSING:] = [(f"{len(told) - MAX_MISSING} more are configured and do not run", "")]
    result.missing = tuple(Concern("mcp-not-running", "note", *one) for one in told)
    return result


class _Client:
    """One process with configurations, and everything that it started."""

    def __init__(
        self,
        client: ProcessFacts,
        serving: Sequence[Serving],
        everyone: Mapping[int, ProcessFacts],
    ) -> None:
        self._client = client
        self._serving = serving
        pid = client.process.pid
        self._own = [s for s in serving if s.client is not None and s.client.process.pid == pid]
        self._chains = {id(s): _chain(s, everyone) for s in self._own}
        self._below = _descendants(pid, everyone)

    def compare(self, result: Comparison, found: dict[tuple[str, str], bool]) -> None:
        """Note what each configuration names, and which servers none of them names."""
        joined: dict[tuple[str, ConfiguredServer], list[Serving]] = {}
        for config in self._client.configs:
            for server in config.servers:
                joined[config.path, server] = self._servings(server)
        used = [c for c in self._client.configs if self._counts(c, joined)]
        unmatched = []
        for config in used:
            for server in config.servers:
                servings = joined[config.path, server]
                for one in servings:
                    ref = f"service:{one.component}"
                    result.named[ref].add(f"{server.name} in {config.path}")
                    result.transports[ref].add(server.transport)
                runs = bool(servings) or self._runs(server)
                if runs and (image := started(server.argv).image):
                    result.unseen = (*result.unseen, self._contained(server, image))
                unmatched += [] if runs or server.disabled else [server]
                if not server.disabled and (runs or is_local(server)):
                    key = (config.path, server.name)
                    found[key] = found.get(key, False) or runs
        if used and not any(started(s.argv).opaque for s in unmatched if s.argv):
            named = {id(s) for servings in joined.values() for s in servings}
            self._accuse((s for s in self._own if id(s) not in named), used, result)

    def _counts(
        self, config: McpConfig, joined: Mapping[tuple[str, ConfiguredServer], list[Serving]]
    ) -> bool:
        return config.own or any(joined[config.path, server] for server in config.servers)

    def _accuse(
        self, servings: Iterable[Serving], used: Sequence[McpConfig], result: Comparison
    ) -> None:
        process = self._client.process
        name = posixpath.basename(process.argv[0]) if process.argv else process.comm
        for one in servings:
            detail = f"{name} started it, and its configuration does not name it"
            concern = Concern("mcp-not-configured", "suspicious", detail, used[0].path)
            result.concerns[f"service:{one.component}"].add(concern)

    def _servings(self, server: ConfiguredServer) -> list[Serving]:
        """Return the running servers that a configured one is."""
        if server.url:
            return [s for s in self._serving if listens_at(s.found, server.url, self._client)]
        wanted = started(server.argv)
        return [s for s in self._own if any(_same(wanted, p) for p in self._chains[id(s)])]

    def _contained(self, server: ConfiguredServer, image: str) -> Unseen:
        pid = self._client.process.pid
        detail = f"{image} runs in a container of its own; its runtime stands between the two"
        remedy = "scan the whole node: the container is a workload of its own"
        return Unseen("runtime", f"MCP server {server.name} of process {pid}", detail, remedy, pid)

    def _runs(self, server: ConfiguredServer) -> bool:
        """Say whether a process below the client is what the server was configured as."""
        if server.url:
            return any(leads_to(c.host, c.remote, server.url) for c in self._client.connections)
        wanted = started(server.argv)
        return any(_same(wanted, found) for found in self._below)


def _chain(serving: Serving, everyone: Mapping[int, ProcessFacts]) -> list[ProcessFacts]:
    """Return a server and its launchers, up to its client."""
    chain = [serving.found]
    client = serving.client.process.pid if serving.client is not None else 0
    pid = serving.found.process.parent
    while pid in everyone and pid != client and len(chain) < 10:
        chain.append(everyone[pid])
        pid = everyone[pid].process.parent
    return chain if pid == client else chain[:1]


def _descendants(pid: int, everyone: Mapping[int, ProcessFacts]) -> list[ProcessFacts]:
    children: dict[int, list[ProcessFacts]] = defaultdict(list)
    for found in everyone.values():
        children[found.process.parent].append(found)
    below, waiting, met = [], [pid], {pid}
    while waiting:
        for child in children[waiting.pop()]:
            if child.process.pid not in met:
                met.add(child.process.pid)
                below.append(child)
                waiting.append(child.process.pid)
    return below


def _same(wanted: Started, found: ProcessFacts) -> bool:
    """Say whether a process is what a configured command starts."""
    own = started(found.process.argv)
    if wanted.image:
        return wanted.image == own.image
    if wanted.paths and not wanted.opaque:
        return any(_same_path(path, found, own.paths) for path in wanted.paths)
    program = found.program
    names = {*own.names, comparable(program.name)} | {comparable(program.module or "-")}
    if program.package is not None:
        names.add(comparable(program.package.name))
    names |= {comparable(b.modules[0].name.rpartition("/")[2]) for b in found.binaries if b.modules}
    paths = any(_same_path(path, found, own.paths) for path in wanted.paths)
    return paths or bool(wanted.names & names)


def _same_path(path: str, found: ProcessFacts, others: Collection[str]) -> bool:
    """Say whether a process runs the script at ``path``, which may hold a client's variables."""
    known = {*others, found.program.path, found.process.executable}
    known |= {posixpath.normpath(posixpath.join(found.process.cwd, other)) for other in others}
    tail = posixpath.normpath(path.rpartition("}")[2].lstrip("/") if "${" in path else path)
    if tail.startswith("/"):
        return tail in known
    tail = tail.removeprefix("~/")
    while tail.startswith("../"):
        tail = tail[3:]
    return any(one == tail or one.endswith(f"/{tail}") for one in known)
