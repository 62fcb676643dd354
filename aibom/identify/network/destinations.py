"""One destination in the making: its name, and who showed that it is talked to, and how."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from aibom.identify.features import Witness
from aibom.identify.network.ends import Address
from aibom.types.inventory import Evidence, Service
from aibom.types.processes import Connection
from aibom.types.rules import Rule

#: Most accounts of one service that are kept: its evidence, or its clients.
MAX_ACCOUNTS = 32

# how a name came to be known, and how far it is believed: a client may send any name, and an
# address may have several
_NAMED = {"request": ("TLS request", 90), "SNI": ("TLS SNI", 90), "DNS": ("DNS answer", 60)}
_UNNAMED = ("address only", 100)
_ACCEPTED = ("other end seen", 95)
# a name as resolvers and certificates have it (RFC 1123, and underscores); no address
_HOST = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z][a-z0-9_-]{0,62}")
_MAX_HOST = 253  # RFC 1035, 2.3.4, as text


def host_of(connection: Connection) -> str:
    """Return the name of the remote end, or an empty string where there is none to believe."""
    host = connection.host[: _MAX_HOST + 1].lower().removesuffix(".")
    return host if len(host) <= _MAX_HOST and _HOST.fullmatch(host) else ""


@dataclass
class Destination:
    """What one workload talks to at ``place``, under the role and rule of ``service``."""

    service: Service
    place: Address
    _schemes: set[str] = field(default_factory=set)
    _evidence: dict[tuple[int, str, str], Evidence] = field(default_factory=dict)
    _named_by: set[str] = field(default_factory=set)
    _outside: bool = False

    def note(
        self, connection: Connection, witness: Witness, *, outside: bool, accepted: bool = False
    ) -> None:
        """Add what a connection shows; ``accepted``: the process at its other end was seen."""
        named = host_of(connection) and _NAMED.get(connection.named_by)
        how, confidence = _ACCEPTED if accepted else named or _UNNAMED
        shown = f"{connection.remote} {connection.request}".rstrip()
        seen = witness.saw(how, shown, "dynamic-analysis", confidence, None)
        key = (seen.pid, how, connection.request)
        self._evidence[key] = min(self._evidence.get(key, seen), seen)
        secured = connection.named_by in ("SNI", "request") and connection.protocol == "tcp"
        self._schemes.add("tls" if secured else connection.protocol)
        self._named_by |= {connection.named_by} if named else set()
        self._outside |= outside

    @property
    def cut(self) -> int:
        """How many accounts of it are not kept."""
        return max(0, len(self._evidence) - MAX_ACCOUNTS)

    def finished(self, beside: Mapping[int, Iterable[str]]) -> Service:
        """Return the service; ``beside`` gives the components that each process holds."""
        # one connection that was seen to speak TLS tells what the others to that port speak
        schemes = self._schemes - ({"tcp"} if "tls" in self._schemes else set())
        refs = {ref for pid, _, _ in self._evidence for ref in beside.get(pid, ())}
        return replace(
            self.service,
            endpoints=tuple(
                f"{scheme}://{self.place.literal}:{self.place.port}" for scheme in sorted(schemes)
            ),
            evidence=tuple(sorted(self._evidence.values())[:MAX_ACCOUNTS]),
            named_by=tuple(sorted(self._named_by)),
            beside=tuple(sorted(refs)),
            outside=self._outside,
        )


def named_by_rule(rule: Rule, place: Address) -> Service:
    """Return the service that a rule names."""
    service = _service(rule.id, rule.name, rule.kind, place)
    return replace(service, rule=rule.id, provider=rule.publisher)


def named_by_nothing(place: Address) -> Service:
    """Return a plain destination: a name or an address, and a port."""
    return _service("destination", place.host, "destination", place)


def of_server(component: str, name: str, role: str, place: Address) -> Service:
    """Return a server of another workload of the node, whose component bears that ref."""
    return _service(component, name, role, place)


def _service(prefix: str, name: str, role: str, place: Address) -> Service:
    ref = f"service:{prefix}:{place.host}:{place.port}"
    return Service(ref=ref, name=name, component="", transport="", role=role)
