"""Which processes of a workload are one server: by who began whom, and by shared sockets."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from aibom.formats.serving import claim_of
from aibom.identify.agents.programs import says_nothing
from aibom.identify.network.wires import listening_on
from aibom.types.facts import ProcessFacts
from aibom.types.rules import Serves

Family = frozenset[int]
#: Where a process listens: its network namespace, and the URL there.
Port = tuple[str, str]


class Families:
    """The processes of a workload, by who began whom and who listens where."""

    def __init__(
        self, members: Iterable[ProcessFacts], servers: Mapping[int, Collection[str]]
    ) -> None:
        """Take all processes; ``servers`` are the rules of servers that each is known to be."""
        self.found = {found.process.pid: found for found in members}
        self._servers = servers
        self._children: dict[int, list[int]] = defaultdict(list)
        for pid, found in sorted(self.found.items()):
            self._children[found.process.parent].append(pid)
        self.ports = {pid: _ports(found) for pid, found in self.found.items()}
        self._sharing: dict[Port, set[int]] = defaultdict(set)
        for pid, ports in self.ports.items():
            for port in ports:
                self._sharing[port].add(pid)

    def of(self, rule: str, proven: Collection[int], spelled: Serves | None) -> list[Family]:
        """Return the servers of one rule. ``proven`` are the processes that it was proven of.

        A server has all proven processes below its first one, their workers, and those that share
        its listening sockets.
        """
        proven = [pid for pid in proven if pid in self.found]
        heads = self._heads(proven, spelled)
        families: dict[int, set[int]] = defaultdict(set)
        for pid in proven:
            above = pid if pid in heads else self._above(pid, heads)
            families[pid if above is None else above].add(pid)
        joined = self._joined(families.values())
        return self._adopted([self._whole(family, rule, heads) for family in joined])

    def _heads(self, proven: Collection[int], spelled: Serves | None) -> set[int]:
        """Return the processes that began a server each.

        One that neither listens nor says what it serves, and began several that do both, only
        launched them.
        """
        proven = frozenset(proven)
        above = {pid: self._above(pid, proven) for pid in proven}
        below: dict[int, set[int]] = defaultdict(set)
        for pid, head in above.items():
            if head is not None and self.ports[pid] and self._says(pid, spelled):
                below[head].add(pid)
        heads = {pid for pid, head in above.items() if head is None}
        for pid in list(heads):
            if len(below[pid]) > 1 and not self.ports[pid] and not self._says(pid, spelled):
                heads |= below[pid]
        return heads

    def _says(self, pid: int, spelled: Serves | None) -> bool:
        argv = self.found[pid].process.argv
        return spelled is not None and bool(claim_of(argv, spelled).sources)

    def _above(self, pid: int, among: Collection[int]) -> int | None:
        """Return the nearest ancestor of a process that is one of ``among``."""
        seen = {pid}
        at = self.found[pid].process.parent
        while at in self.found and at not in seen:
            if at in among:
                return at
            seen.add(at)
            at = self.found[at].process.parent
        return None

    def _whole(self, family: set[int], rule: str, heads: Collection[int]) -> Family:
        """Return the proven processes of a server, its workers, and who shares its sockets."""
        programs = {self._program(pid) for pid in family}
        ports = {port for pid in family for port in self.ports[pid]}
        sharing = {pid for port in ports for pid in self._sharing[port]}
        whole = family | {pid for pid in sharing if self._program(pid) in programs}
        waiting = [child for pid in whole for child in self._children[pid]]
        seen = set(whole)
        while waiting:
            pid = waiting.pop()
            another = pid in heads or set(self._servers.get(pid, ())) - {rule}
            if pid not in seen and not another and self._is_part(self.found[pid]):
                whole.add(pid)
                waiting += self._children[pid]
            seen.add(pid)
        return frozenset(whole)

    def _program(self, pid: int) -> str:
        return self.found[pid].process.executable

    def _is_part(self, found: ProcessFacts) -> bool:
        """Say whether a child runs what its parent runs (it was forked), or holds a model."""
        if found.models:
            return True
        parent = self.found[found.process.parent].process
        if parent.executable != found.process.executable:
            return False
        return found.process.argv == parent.argv or says_nothing(found)

    def _joined(self, families: Collection[set[int]]) -> list[set[int]]:
        """Join what has a listening socket in common, as forked workers have."""
        owners: dict[Port, set[int]] = {}
        for family in families:
            ports = {port for pid in family for port in self.ports[pid]}
            known = {id(one): one for port in ports if (one := owners.get(port)) is not None}
            # the largest takes the others in, so that many cost little
            joined = max((family, *known.values()), key=len)
            for one in [*known.values(), family]:
                if one is not joined:
                    joined |= one
                    ports |= {port for pid in one for port in self.ports[pid]}
            owners |= dict.fromkeys(ports, joined)
        lone = [f for f in families if not any(self.ports[pid] for pid in f)]
        return [*lone, *{id(one): one for one in owners.values()}.values()]

    def _adopted(self, families: list[Family]) -> list[Family]:
        """Join workers that another program began (ray's does) with the one server there is."""
        lone = [f for f in families if len(f) == 1 and says_nothing(self.found[min(f)])]
        rest = [f for f in families if f not in lone]
        if len(rest) == 1:
            return [rest[0].union(*lone)]
        groups: dict[tuple[int, tuple[str, ...]], set[int]] = defaultdict(set)
        for one in lone:
            process = self.found[min(one)].process
            groups[process.parent, process.argv] |= one
        return [*rest, *map(frozenset, groups.values())]


def _ports(found: ProcessFacts) -> frozenset[Port]:
    namespace = found.process.network_namespace
    return frozenset((namespace, url) for url in listening_on(found))
