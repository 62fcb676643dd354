"""Agents: programs in which an agent framework is loaded and which use a model."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from packaging.utils import canonicalize_name

from aibom.identify.agents.programs import AgentProgram, component_of, program_of
from aibom.identify.features import READ, RUN, UNPROVEN, Witness
from aibom.identify.models.roles import generates
from aibom.identify.network.destinations import MAX_ACCOUNTS
from aibom.identify.network.wires import listening_on
from aibom.identify.origins import worst_origin
from aibom.identify.software import package_url
from aibom.types.facts import ProcessFacts
from aibom.types.inventory import Component, Evidence, Inventory
from aibom.types.processes import Container

_FRAMEWORK = "agent-framework"
#: What answers an agent: a service of one of these roles.
_ANSWERING = frozenset({"model-api", "inference-server"})
# two sure facts of one process make it likely that they belong together, and no more
_MOST = 80
_SEEN_CLIENT = 95


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent's component, and all processes that run its program."""

    component: Component
    pids: frozenset[int]


class _Loaded(NamedTuple):
    """An agent framework, and what proves that one process loaded it."""

    framework: Component
    seen: Evidence


class _Use(NamedTuple):
    """A model that a process uses, and how sure that is, in hundredths."""

    name: str
    confidence: int


def agents_of(
    inventory: Inventory, members: Sequence[ProcessFacts], containers: Mapping[str, Container]
) -> list[Agent]:
    """Return the agents of a workload, sorted by ref.

    In one and the same process an agent framework was seen loaded and a model used: an API or an
    inference server that it talks to, or a model that it holds with a runtime to run it. Other
    processes of the same program belong to the same agent. A program that its makers call an
    agent (as the coding agents in terminals) needs no more than to run.
    """
    loaded = _loaded(inventory)
    if not loaded:
        return []
    uses = _uses(inventory)
    witnesses = {
        f.process.pid: Witness(f, containers.get(f.process.cgroup.container_id)) for f in members
    }
    itself = {f.process.pid: one for f in members if (one := _itself(f, loaded))}
    programs = _programs(inventory, members, witnesses) | {
        pid: AgentProgram(one.framework.ref, one.framework.name, one.seen.path)
        for pid, one in itself.items()
    }
    told: dict[str, set[Evidence]] = defaultdict(set)
    for found in members:
        pid = found.process.pid
        frameworks, program = loaded.get(pid, []), programs[pid]
        # one that listens waits for somebody to build an agent in it
        if pid in itself and not listening_on(found):
            told[program.ref].add(itself[pid].seen)
        if frameworks and uses.get(pid):
            told[program.ref].add(_joined(witnesses[pid], frameworks, uses[pid], program))
    known = {component.ref: component for component in inventory.components}
    return [_agent(ref, seen, programs, known) for ref, seen in sorted(told.items()) if seen]


def _loaded(inventory: Inventory) -> dict[int, list[_Loaded]]:
    """Return by process the agent frameworks that it was proven to have loaded."""
    found: dict[int, list[_Loaded]] = defaultdict(list)
    for component in inventory.components:
        for seen in component.evidence if component.role == _FRAMEWORK else ():
            if seen.how not in UNPROVEN:
                found[seen.pid].append(_Loaded(component, seen))
    return found


def _uses(inventory: Inventory) -> dict[int, set[_Use]]:
    """Return by process the models that it uses."""
    found: dict[int, set[_Use]] = defaultdict(set)
    roles = {c.ref: c.role for c in inventory.components}
    for service in inventory.services:
        if service.component:
            answers = roles.get(service.component) in _ANSWERING
            for pid in service.client_pids if answers else ():
                found[pid].add(_Use(service.name, _SEEN_CLIENT))
        elif service.role in _ANSWERING:
            for seen in service.evidence:
                found[seen.pid].add(_Use(service.name, seen.confidence))
    for component in inventory.components:
        for seen in component.evidence if generates(component) else ():
            if seen.beside and seen.how in READ:
                found[seen.pid].add(_Use(component.name, seen.confidence))
    return found


def _programs(
    inventory: Inventory, members: Sequence[ProcessFacts], witnesses: Mapping[int, Witness]
) -> dict[int, AgentProgram]:
    """Return by process what it runs."""
    everyone = {found.process.pid: found for found in members}
    frameworks = [c for c in inventory.components if c.role == _FRAMEWORK]
    names = {canonicalize_name(c.name) for c in frameworks}
    own = {c.ref for c in frameworks if c.type == "application"}
    for found in members:
        package = found.program.package
        if package is not None and names & set(map(canonicalize_name, package.requires)):
            own.add(package_url(package))
    return {
        pid: program_of(found, everyone, own, witnesses[pid].container)
        for pid, found in everyone.items()
    }


def _itself(found: ProcessFacts, loaded: Mapping[int, list[_Loaded]]) -> _Loaded | None:
    """Return the program that a process runs, where its makers call it an agent."""
    for one in loaded.get(found.process.pid, ()):
        runs = one.seen.how in RUN or one.seen.path == found.process.executable
        if one.framework.type == "application" and runs:
            return one
    return None


def _joined(
    witness: Witness, frameworks: list[_Loaded], uses: set[_Use], program: AgentProgram
) -> Evidence:
    """Return the evidence of a process that has both, as sure as the weaker of the two."""
    confidence = min(
        _MOST, max(f.seen.confidence for f in frameworks), max(u.confidence for u in uses)
    )
    names = ", ".join(sorted({use.name for use in uses}))
    how = f"{names} used"
    seen = witness.saw(how, program.path, "dynamic-analysis", confidence, program.file)
    return replace(seen, beside=tuple(sorted({f.framework.name for f in frameworks})))


def _agent(
    ref: str,
    seen: set[Evidence],
    programs: Mapping[int, AgentProgram],
    known: Mapping[str, Component],
) -> Agent:
    pids = frozenset(pid for pid, program in programs.items() if program.ref == ref)
    program = next(p for p in programs.values() if p.ref == ref)
    # a package that is the agent is one component, and not a library beside it
    base = known.get(ref) or component_of(program)
    told = sorted(seen)[:MAX_ACCOUNTS]
    # what shows the package itself shows the agent
    itself = any(e in base.evidence for e in told)
    component = replace(
        base,
        kind="agent",
        type="application",
        role="agent",
        inferred=not itself or base.inferred,
        evidence=tuple(sorted({*base.evidence, *told})),
        containers=tuple(sorted({*base.containers, *(e.container for e in told if e.container)})),
        origin=worst_origin((base.origin, program.origin)) if program.file else base.origin,
    )
    return Agent(component, pids)
