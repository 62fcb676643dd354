"""MCP servers and their clients: which process serves, over what, and to whom."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from aibom.identify.features import Witness
from aibom.identify.match import Match
from aibom.identify.software import package_url
from aibom.identify.wires import client_of
from aibom.types.facts import Origin, Package, ProcessFacts
from aibom.types.inventory import Component, Evidence, Service
from aibom.types.rules import Feature, RuleSet

# what a script imports that makes a server of it; a client imports mcp and mcp.client
_SERVER_IMPORTS = ("mcp.server", "fastmcp")


@dataclass(frozen=True, slots=True)
class Serving:
    """A process that is an MCP server: the component that it is, and its client's process."""

    component: str
    name: str
    found: ProcessFacts
    client: ProcessFacts | None
    own: Component | None = None


class ServerFinder:
    """Tells MCP servers from their clients and from everything else."""

    def __init__(self, rules: RuleSet, everyone: Mapping[int, ProcessFacts]) -> None:
        """Know servers by ``rules``; ``everyone`` are all processes seen, by pid."""
        self._everyone = everyone
        self._sdks = frozenset(
            Feature("loads", f.key, f.value)
            for rule in rules.rules
            if rule.kind == "mcp-sdk"
            for clause in rule.clauses
            for f in clause.features
        )

    def find(
        self, found: ProcessFacts, matches: Collection[Match], witness: Witness
    ) -> Serving | None:
        """Return the server that a process is, or None.

        Either a rule names what the process runs; or it runs a package that is built on an MCP
        SDK, calls itself a server and is wired to a client; or its script's text imports an
        SDK's server part and it is wired to a client. The last two are inferred.
        """
        client = client_of(found, self._everyone)
        for package in self._packages_run(found):
            if any(_names_run(m, package) for m in matches):
                return Serving(package_url(package), package.name, found, client)
            if client is not None and self._built_as_server(package):
                return self._package_server(found, package, client, witness)
        if client is not None and _imports_server(found):
            return self._script_server(found, client, witness)
        return None

    def _packages_run(self, found: ProcessFacts) -> list[Package]:
        """Return what a process runs: its script's package, its binary's main module."""
        mains = [
            binary.modules[0]
            for binary in found.binaries
            if binary.modules and binary.file.path == found.process.executable
        ]
        return [found.program.package, *mains] if found.program.package is not None else mains

    def _built_as_server(self, package: Package) -> bool:
        built = any(Feature("loads", package.ecosystem, r) in self._sdks for r in package.requires)
        named = "mcp" in package.name.lower().rsplit("/", 1)[-1] or "mcp" in package.keywords
        return built and (named or bool(package.mcp_name))

    def _package_server(
        self, found: ProcessFacts, package: Package, client: ProcessFacts, witness: Witness
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
        )
        return Serving(own.ref, own.name, found, client, own)

    def _script_server(
        self, found: ProcessFacts, client: ProcessFacts, witness: Witness
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
        return Serving(own.ref, own.name, found, client, own)


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
    if serving.client is not None:
        process = serving.client.process
        clients = (f"pid {process.pid}: {' '.join(process.argv) or process.comm}",)
    return Service(
        ref=f"service:{serving.component}",
        name=serving.name,
        component=serving.component,
        transport="stdio" if serving.client is not None else "",
        endpoints=tuple(
            sorted({f"tcp://{c.local}" for c in serving.found.connections if not c.remote})
        ),
        clients=clients,
        evidence=evidence,
    )
