"""What processes talk to: classified, plain, or a server of the node; and what stays unsaid."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.identify.inventory import identify
from aibom.identify.network.destinations import MAX_ACCOUNTS, host_of
from aibom.identify.network.services import MAX_DESTINATIONS
from aibom.types.facts import NodeFacts, ProcessFacts
from aibom.types.inventory import Inventory, Service
from aibom.types.packages import LoadedPackage
from aibom.types.processes import Cgroup, Connection, Container
from aibom.types.rules import Clause, Feature, Rule, RuleKind, RuleSet
from tests import make


def talking(kind: RuleKind, name: str, *hosts: str, port: str = "") -> Rule:
    ports = (Feature("talks", "port", port),) if port else ()
    clauses = tuple(Clause((Feature("talks", "host", host), *ports)) for host in hosts)
    return Rule(f"{kind}/{name.lower()}", name, kind, "", clauses, publisher=f"{name} Inc")


def loading(kind: RuleKind, name: str) -> Rule:
    return Rule(
        f"{kind}/{name}", name, kind, "library", (Clause((Feature("loads", "pypi", name),)),)
    )


RULES = RuleSet(
    (
        talking("model-api", "API", "api.example.com", "*.api.example.com"),
        talking("object-store", "Store", "*.store.example.com"),
        talking("model-hub", "Public", "public.store.example.com"),
        talking("vector-database", "Ported", "db.example.com", port="6333"),
        loading("framework", "agents"),
        loading("inference-server", "vllm"),
    ),
    (),
)
OUTSIDE = "192.0.2.1:443"
LOCAL = "10.0.0.5:41000"


def loads(name: str) -> tuple[LoadedPackage, ...]:
    return (LoadedPackage(make.package(name), make.file(f"/{name}.so", inode=hash(name) % 1000)),)


def process(pid: int, *connections: Connection, has: str = "", **fields: object) -> ProcessFacts:
    return make.seen(
        of=make.process(pid, **({"session": 1} | fields)),
        connections=connections,
        packages=loads(has) if has else (),
    )


def found(*processes: ProcessFacts, containers: Iterable[Container] = ()) -> Inventory:
    (only,) = identify(make.node(processes, containers), RULES)
    return only


def destinations(inventory: Inventory) -> list[Service]:
    return [s for s in inventory.services if not s.component]


def to(host: str = "api.example.com", by: str = "SNI", remote: str = OUTSIDE) -> Connection:
    return Connection(LOCAL, remote, host, by if host else "")


@pytest.mark.parametrize(
    ("by", "how", "confidence", "endpoint"),
    [
        ("SNI", "TLS SNI", 90, "tls://api.example.com:443"),
        ("request", "TLS request", 90, "tls://api.example.com:443"),
        ("DNS", "DNS answer", 60, "tcp://api.example.com:443"),
    ],
)
def test_a_destination_that_a_rule_names(by: str, how: str, confidence: int, endpoint: str) -> None:
    cgroup = Cgroup(container_id="c" * 64)
    one = process(7, to("API.example.com.", by), cgroup=cgroup)
    inventory = found(one, containers=[Container("c" * 64, name="app")])
    (service,) = inventory.services
    assert (service.name, service.role, service.rule) == ("API", "model-api", "model-api/api")
    assert (service.provider, service.component, service.outside) == ("API Inc", "", True)
    assert service.endpoints == (endpoint,)
    assert service.named_by == (by,)
    (seen,) = service.evidence
    assert (seen.how, seen.confidence, seen.path) == (how, confidence, OUTSIDE)
    assert (seen.process, seen.pid, seen.container) == ("python3", 7, "app")
    assert inventory.components == ()
    assert inventory.links == ()


def test_quic_is_no_tls_over_tcp() -> None:
    quic = Connection(LOCAL, OUTSIDE, "api.example.com", "DNS", "udp")
    (service,) = found(process(7, quic)).services
    assert service.endpoints == ("udp://api.example.com:443",)


def test_one_service_per_name_and_port_with_all_its_processes() -> None:
    other = Connection("10.0.0.5:41001", "192.0.2.2:443", "api.example.com", "DNS")
    inventory = found(
        process(7, to(), to("eu.api.example.com")), process(8, other), process(9, to())
    )
    first, second = destinations(inventory)
    assert first.endpoints == ("tls://api.example.com:443",)
    assert [(e.pid, e.how) for e in first.evidence] == [
        (8, "DNS answer"), (7, "TLS SNI"), (9, "TLS SNI"),
    ]  # fmt: skip
    assert first.named_by == ("DNS", "SNI")
    assert second.endpoints == ("tls://eu.api.example.com:443",)


def test_the_very_name_goes_before_a_pattern() -> None:
    (public,) = found(process(7, to("public.store.example.com"))).services
    (other,) = found(process(7, to("mine.store.example.com"))).services
    assert (public.role, other.role) == ("model-hub", "object-store")


@pytest.mark.parametrize(
    "host",
    ["api.example.com.evil.example", "notapi.example.com", "a.b.api.example.com", "example.com"],
)
def test_names_that_look_alike_are_not_classified(host: str) -> None:
    (service,) = found(process(7, to(host), has="agents")).services
    assert (service.name, service.role, service.rule) == (host, "destination", "")


def test_host_and_port_of_a_clause_are_those_of_one_connection() -> None:
    here = to("db.example.com", remote="192.0.2.3:6333")
    there = to("db.example.com", remote="192.0.2.3:443")
    (service,) = found(process(7, here, there)).services
    assert service.endpoints == ("tls://db.example.com:6333",)
    assert found(process(7, there, to("x.example", remote="192.0.2.3:6333"))).services == ()


def test_a_plain_destination_only_of_processes_with_ai_in_them() -> None:
    bare = Connection(LOCAL, "192.0.2.9:5432")
    (service,) = found(process(7, bare, has="agents"), process(8, bare)).services
    assert (service.name, service.role, service.outside) == ("192.0.2.9", "destination", True)
    assert service.endpoints == ("tcp://192.0.2.9:5432",)
    assert service.named_by == ()
    (seen,) = service.evidence
    assert (seen.pid, seen.how, seen.confidence) == (7, "address only", 100)
    assert found(process(8, bare)).services == ()


def test_what_the_process_holds_is_named_beside_and_is_no_link() -> None:
    inventory = found(process(7, to(), has="agents"), process(8, has="vllm"))
    (service,) = destinations(inventory)
    assert service.beside == ("pkg:pypi/agents@2.0",)
    assert inventory.links == ()


def test_an_address_of_ip_version_6_is_bracketed() -> None:
    remote = Connection("[2001:db8::1]:41000", "[2001:db8::2]:443")
    (service,) = found(process(7, remote, has="agents")).services
    assert (service.name, service.endpoints) == ("2001:db8::2", ("tcp://[2001:db8::2]:443",))


@pytest.mark.parametrize(
    "connection",
    [
        Connection("0.0.0.0:8000"),
        Connection("127.0.0.1:41000", "127.0.0.1:9999"),
        Connection("[::1]:41000", "[::1]:9999"),
        Connection("10.0.0.5:41000", "10.0.0.5:9999"),
        Connection("10.0.0.5:41000", "no address"),
        Connection("nothing", "192.0.2.1:443"),
    ],
)
def test_what_is_no_destination(connection: Connection) -> None:
    assert found(process(7, connection, has="agents")).services == ()


def test_accepted_connections_are_no_destinations() -> None:
    server = process(7, Connection("[::]:8000"), Connection("10.0.0.5:8000", "192.0.2.7:50000"),
                     has="agents")  # fmt: skip
    worker = process(8, Connection("10.0.0.5:8000", "192.0.2.8:50001"), has="agents")
    assert found(server, worker).services == ()


def test_a_port_listened_on_elsewhere_says_nothing() -> None:
    other = process(9, Connection("0.0.0.0:41000"), network_namespace="net:[2]")
    (service,) = found(process(7, to()), other).services
    assert service.name == "API"


def test_loopback_with_a_known_name_is_named_but_not_outside() -> None:
    inside = Connection("127.0.0.1:41000", "127.0.0.1:8443", "api.example.com", "SNI")
    (service,) = found(process(7, inside)).services
    assert (service.name, service.outside) == ("API", False)


SERVER = (Connection("0.0.0.0:8000"), Connection("127.0.0.1:8000", "127.0.0.1:41000"))


def test_a_client_of_a_server_in_the_workload() -> None:
    client = process(9, Connection("127.0.0.1:41000", "127.0.0.1:8000"))
    (service,) = found(process(7, *SERVER, has="vllm"), client).services
    assert service.component == "pkg:pypi/vllm@2.0"
    assert service.clients == ("pid 9: python3 app.py",)


def test_loopback_of_another_network_namespace_is_another() -> None:
    client = process(
        9, Connection("127.0.0.1:41000", "127.0.0.1:8000"), network_namespace="net:[2]"
    )
    (service,) = found(process(7, *SERVER, has="vllm"), client).services
    assert service.clients == ()


def test_a_servers_own_worker_is_no_client() -> None:
    own = Connection("127.0.0.1:41000", "127.0.0.1:8000")
    (service,) = found(process(7, *SERVER, own, has="vllm")).services
    assert service.clients == ()


def pods(client: Connection) -> tuple[Inventory, Inventory]:
    """A server in one pod, a client in another, each in its network namespace."""
    server = process(
        7, Connection("0.0.0.0:8000"), Connection("10.1.0.2:8000", "10.1.0.3:41000"), has="vllm",
        cgroup=Cgroup("s" * 64, "uid-server"), network_namespace="net:[2]", session=7,
    )  # fmt: skip
    caller = process(
        9, client, cgroup=Cgroup("c" * 64, "uid-client"), network_namespace="net:[3]", session=9
    )
    one, two = identify(make.node([server, caller]), RULES)
    return (one, two) if one.workload.uid == "uid-server" else (two, one)


@pytest.mark.parametrize("address", ["10.1.0.2:8000", "10.96.0.10:80"])  # the pod's, a service's
def test_a_server_in_another_pod_of_the_node(address: str) -> None:
    serving, calling = pods(Connection("10.1.0.3:41000", address))
    (service,) = calling.services
    assert (service.name, service.role, service.component) == ("vllm", "inference-server", "")
    assert service.endpoints == (f"tcp://{address}",)
    assert service.outside
    assert service.evidence[0].how == "other end seen"
    assert serving.services[0].clients == ()


def many(count: int) -> ProcessFacts:
    return process(7, *(to(f"h{n}.api.example.com") for n in range(count)),
                   Connection(LOCAL, "192.0.2.9:1"), has="agents")  # fmt: skip


def test_more_destinations_than_are_kept_are_said() -> None:
    inventory = found(many(MAX_DESTINATIONS + 4))
    kept = destinations(inventory)
    assert len(kept) == MAX_DESTINATIONS
    assert {s.role for s in kept} == {"model-api"}
    (record,) = inventory.unseen
    assert record.reason == "lost"
    assert record.detail.startswith("5 destinations and 0 accounts")


def test_more_processes_than_are_kept_are_said() -> None:
    inventory = found(*(process(n + 10, to()) for n in range(MAX_ACCOUNTS + 3)))
    (service,) = inventory.services
    assert len(service.evidence) == MAX_ACCOUNTS
    assert inventory.unseen[0].detail.startswith("0 destinations and 3 accounts")


def test_the_order_of_processes_does_not_matter() -> None:
    processes = [process(7, to(), has="agents"), process(8, to(by="DNS")), process(9, to())]
    assert found(*processes) == found(*reversed(processes))


@pytest.mark.parametrize(
    "host",
    ["", "a b.com", "a/../b", "x" * 254, "192.0.2.1", "[::1]", "*.api.example.com", "é.example.com",
     ".", "a..b", "-\n", "api.example.com\n", ("x" * 64) + ".com"],
)  # fmt: skip
def test_names_that_are_none_are_not_believed(host: str) -> None:
    assert host_of(Connection(LOCAL, OUTSIDE, host, "SNI")) == ""


def test_an_unbelievable_name_leaves_the_address() -> None:
    (service,) = found(process(7, to("a b\x1b[2J"), has="agents")).services
    assert (service.name, service.named_by) == ("192.0.2.1", ())
    assert service.evidence[0].how == "address only"


ENDS = st.one_of(
    st.sampled_from(["", "0.0.0.0:8000", "127.0.0.1:8000", "127.0.0.1:41000", LOCAL, OUTSIDE]),
    st.text(max_size=12),
)
CONNECTIONS = st.builds(
    Connection,
    ENDS,
    ENDS,
    st.sampled_from(["", "api.example.com", "x.example"]) | st.text(max_size=20),
    st.sampled_from(["", "DNS", "SNI", "request", "else"]),
    st.sampled_from(["tcp", "udp"]),
)


@given(st.lists(st.lists(CONNECTIONS, max_size=4), max_size=4))
def test_any_connections_give_sound_services(connections: list[list[Connection]]) -> None:
    facts: NodeFacts = make.node(
        process(10 + n, *some, has="vllm" if n % 2 else "") for n, some in enumerate(connections)
    )
    for inventory in identify(facts, RULES):
        refs = [s.ref for s in inventory.services]
        assert refs == sorted(set(refs))
        for service in destinations(inventory):
            assert service.evidence
            assert all(e.split("://")[0] in ("tls", "tcp", "udp") for e in service.endpoints)


def test_two_containers_in_which_a_number_was_borne_one_after_the_other() -> None:
    first, second = (Container(c * 64, name=c) for c in "ab")
    processes = [
        process(77, to(), cgroup=Cgroup("a" * 64), start_ticks=1),
        process(77, to("x.store.example.com"), cgroup=Cgroup("b" * 64), start_ticks=9),
    ]
    inventories = identify(make.node(processes, (first, second)), RULES)
    told = {i.workload.name: [s.name for s in destinations(i)] for i in inventories}
    assert told == {"a": ["API"], "b": ["Store"]}
