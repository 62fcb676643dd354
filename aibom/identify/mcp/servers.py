"""MCP servers and their clients: which process serves, over what, and to whom."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from aibom.identify.features import Witness
from aibom.identify.match import Match
from aibom.identify.mcp.transport import told_by
from aibom.identify.network.wires import Wiring, listening_on
from aibom.identify.software import package_url
from aibom.types.facts import ProcessFacts
from aibom.types.files import Origin
from aibom.types.inventory import Component, Evidence, Service
from aibom.types.packages import Package
from aibom.types.rules import Feature, RuleSet

#: The role of a service that speaks MCP, whatever else its component is.
ROLE = "mcp-server"
# what stands between a container's first process and the world: containerd, cri-o and podman
_RUNTIME = re.compile(r"containerd-shim|conmon|dockerd|docker-containerd")
# what a script imports that makes a server of it; a client imports mcp and mcp.client
_SERVER_IMPORTS = ("mcp.server", "fastmcp.FastMCP", "fastmcp.server")


@dataclass(frozen=True, slots=True)
class Serving:
    """A process that is an MCP server: the component that it is, and its client's process.

    ``relayed`` is true where a container's runtime holds the other ends of its stdio: then who
    the client is does not show in the wiring.
    """

    component: str
    name: str
    found: ProcessFacts
    client: ProcessFacts | None
    own: Component | None = None
    relayed: bool = False


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a server serves: to a client over stdio, or, without one, on its ports."""

    client: ProcessFacts | None
    relayed: bool = False


class ServerFinder:
    """Tells MCP servers from their clients and from everything else."""

    def __init__(self, rules: RuleSet, everyone: Mapping[int, ProcessFacts]) -> None:
        """Know servers by ``rules``; ``everyone`` are all processes seen, by pid."""
        self._wiring = Wiring(everyone)
        self._sdks = frozenset(
            Feature("loads", f.key, f.value)
            for rule in rules.rules
            if rule.kind == "mcp-sdk"
            for clause in rule.clauses
            for f in clause.features
        )

    def may_serve(self, found: ProcessFacts, matches: Collection[Match]) -> bool:
        """Say whether a process is a server if it serves anybody: else ``find`` gives None."""
        return _imports_server(found) or any(
            self._built_as_server(package) or any(_names_run(m, package) for m in matches)
            for package in self._packages_run(found)
        )

    def find(
        self, found: ProcessFacts, matches: Collection[Match], witness: Witness
    ) -> Serving | None:
        """Return the server that a process is, or None.

        Either a rule names what the process runs; or it runs a package that is built on an MCP
        SDK and calls itself a server; or its script's text imports an SDK's server part. The
        last two are inferred, and only of a process that is wired to a client or listens.
        """
        for package in self._packages_run(found):
            if any(_names_run(m, package) for m in matches):
                wired = self._wired(found)
                ref, name = package_url(package), package.name
                return Serving(ref, name, found, wired.client, relayed=wired.relayed)
            if self._built_as_server(package) and (place := self._place(found)):
                return self._package_server(found, package, place, witness)
        if _imports_server(found) and (place := self._place(found)):
            return self._script_server(found, place, witness)
        return None

    def _wired(self, found: ProcessFacts) -> "_Place":
        """Return who is at the other end of a process's stdio; a runtime is no client."""
        client = self._wiring.client_of(found)
        if client is None or not _RUNTIME.match(client.process.executable.rpartition("/")[2]):
            return _Place(client)
        return _Place(None, relayed=True)

    def _place(self, found: ProcessFacts) -> "_Place | None":
        """Return where a likely server serves, or None when it serves nowhere.

        A process that listens is no stdio server, even where a supervisor gave it pipes.
        """
        if listening_on(found):
            return _Place(None)
        place = self._wired(found)
        return place if place.client is not None or place.relayed else None

    def _packages_run(self, found: ProcessFacts) -> list[Package]:
        """Return what a process runs: its script's package, its binary's main module."""
        mains = [
            binary.modules[0]
            for binary in found.binaries
            if binary.modules and binary.file.path == found.process.executable
        ]
        return [found.program.package, *mains] if found.program.package is not None else mains

    def _built_as_server(self, package: Package) -> bool:
        if Feature("loads", package.ecosystem, package.name) in self._sdks:
            return False  # "mcp run server.py": the SDK is not the server
        built = any(Feature("loads", package.ecosystem, r) in self._sdks for r in package.requires)
        named = "mcp" in package.name.lower().rsplit("/", 1)[-1] or "mcp" in package.keywords
        return built and (named or bool(package.mcp_name))

    def _package_server(
        self, found: ProcessFacts, package: Package, place: _Place, witness: Witness
    ) -> Serving:
        file = found.program.file
        path = found.program.path or package.location
        seen = witness.saw("command line", path, "manifest-analysis", 90, file)
        own = Component(
            ref=package_url(package),
            kind="mcp-server",
            type="application",
            name=package.name,
            version=package.version,
            purl=package_url(package),
            description=package.summary,
            licence=package.licence,
            role="mcp-server",
            inferred=True,
            evidence=(seen,),
            origin=file.origin if file is not None else Origin("unknown"),
            containers=(witness.container,) if witness.container else (),
            properties=(("aibom:integrity", package.integrity),) if package.integrity else (),
        )
        return Serving(own.ref, own.name, found, place.client, own, place.relayed)

    def _script_server(
        self, found: ProcessFacts, place: _Place, witness: Witness
    ) -> Serving | None:
        program = found.program
        if program.file is None:
            return None
        seen = witness.saw("script", program.path, "source-code-analysis", 60, program.file)
        digest = program.file.sha256
        own = Component(
            ref=f"mcp-server:sha256:{digest[:16]}" if digest else f"mcp-server:{program.path}",
            kind="mcp-server",
            type="application",
            name=program.name,
            sha256=digest,
            role="mcp-server",
            inferred=True,
            files=(program.file,),
            evidence=(seen,),
            origin=program.file.origin,
            containers=(witness.container,) if witness.container else (),
        )
        return Serving(own.ref, own.name, found, place.client, own, place.relayed)


def leaves(serving: list[Serving]) -> list[Serving]:
    """Return the servers without those that only launched another one and lent it their stdio."""
    parents = {s.found.process.parent: s for s in serving}
    return [s for s in serving if not _lends(s, parents.get(s.found.process.pid))]


def _lends(launcher: Serving, child: Serving | None) -> bool:
    if child is None or launcher.own is not None:
        return False
    ends = [{e.inode for e in s.found.streams if e.descriptor in (0, 1)} for s in (launcher, child)]
    return len(ends[0]) > 1 and ends[0] == ends[1]


def _names_run(match: Match, package: Package) -> bool:
    return match.rule.kind == "mcp-server" and any(
        f.verb == "runs" and f[1:] == (package.ecosystem, package.name) for f in match.features
    )


def _imports_server(found: ProcessFacts) -> bool:
    return any(
        name == wanted or name.startswith(wanted + ".")
        for name in found.program.imports
        for wanted in _SERVER_IMPORTS
    )


def service_of(serving: Serving, evidence: tuple[Evidence, ...]) -> Service:
    """Return the service that an MCP server is, with the process of its client."""
    clients: tuple[str, ...] = ()
    callers: tuple[int, ...] = ()
    endpoints = listening_on(serving.found)
    if serving.client is not None:
        process = serving.client.process
        clients = (f"pid {process.pid}: {' '.join(process.argv) or process.comm}",)
        callers = (process.pid,)
    told = told_by(serving.found.process.argv)
    over = "stdio" if serving.client is not None or serving.relayed else ""
    return Service(
        ref=f"service:{serving.component}",
        name=serving.name,
        component=serving.component,
        # who listens and says over what is no stdio server, whoever gave it pipes
        transport=told if endpoints and told != "stdio" and told else over,
        endpoints=endpoints,
        clients=clients,
        client_pids=callers,
        evidence=evidence,
        role=ROLE,
    )
