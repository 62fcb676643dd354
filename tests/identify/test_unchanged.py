"""What is not made again is what would have been made."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aibom.identify.inventory import identify
from aibom.identify.unchanged import MAX_AGE, MAX_MEMBERS, Unchanged
from aibom.rulebook.load import load
from aibom.types.facts import NodeFacts, ProcessFacts, Span
from aibom.types.files import Arrival, Written
from aibom.types.mcpfacts import ConfiguredServer, McpConfig
from aibom.types.packages import LoadedPackage, Program
from aibom.types.processes import Cgroup, Connection, Container, Stream
from aibom.types.unseen import Unseen
from tests import make

RULES = load()
ARRIVED = Written(1, 1, 0)
SERVER = Program("s", "/bin/s", make.file("/bin/s"), package=make.package("mcp-server-time"))


def pipe(inode: int, descriptor: int, *, reads: bool) -> Stream:
    return Stream("pipe", inode, descriptor, reads=reads, writes=not reads)


TO_SERVER = (pipe(8, 5, reads=False), pipe(9, 6, reads=True))
AS_SERVER = (pipe(8, 0, reads=True), pipe(9, 1, reads=False))
LOADED = LoadedPackage(make.package("torch"), make.file("/t.so"), "imported")
CONFIG = McpConfig("/mcp.json", "", (ConfiguredServer("time", "mcp-server-time"),), own=True)

#: What a process may show: each is the business of a workload alone, or of several.
SHOWN: Mapping[str, dict[str, Any]] = {
    "nothing": {},
    "a model": {"models": (make.model_use(),)},
    "the same once more": {"models": (replace(make.model_use(), times=2),)},
    "a package": {"packages": (LOADED,)},
    "a device": {"devices": ("/dev/nvidia0",)},
    "a port": {"connections": (Connection("127.0.0.1:80"),)},
    "a talk": {"connections": (Connection("127.0.0.1:5", "127.0.0.1:80"),)},
    "a destination": {"connections": (Connection("10.0.0.1:5", "1.2.3.4:443", "api.openai.com"),)},
    "a server": {"program": SERVER, "streams": AS_SERVER},
    "its client": {"streams": TO_SERVER, "packages": (LOADED,)},
    "a configuration": {"configs": (CONFIG,), "streams": TO_SERVER},
}
IMAGES = ("", "one:1", "two:2")


def found(pid: int, shows: str) -> ProcessFacts:
    place = Cgroup(container_id=f"{pid % 3}" * 64)
    return make.seen(of=make.process(pid, cgroup=place), **SHOWN[shows])


def node(shown: Mapping[int, str], image: str, *, arrived: bool, lost: bool) -> NodeFacts:
    containers = [Container(f"{n}" * 64, name=f"c{n}", image=image) for n in range(3)]
    unseen = [Unseen("denied", "something", pid=pid) for pid in shown if lost]
    facts = make.node([found(pid, shows) for pid, shows in shown.items()], containers, unseen)
    arrivals = {ARRIVED: (Arrival("curl", 1),)} if arrived else {}
    return replace(facts, arrivals=arrivals, watched=Span(0, len(shown)))


nodes = st.builds(
    node,
    st.dictionaries(st.integers(10, 18), st.sampled_from(sorted(SHOWN)), max_size=6),
    st.sampled_from(IMAGES),
    arrived=st.booleans(),
    lost=st.booleans(),
)


@given(st.lists(nodes, min_size=2, max_size=6))
def test_whatever_changes_it_is_told_as_if_nothing_were_remembered(seen: list[NodeFacts]) -> None:
    known = Unchanged()
    for facts in seen:
        assert identify(facts, RULES, known=known) == identify(facts, RULES)


def test_a_client_that_comes_and_goes_elsewhere_is_told_of() -> None:
    known = Unchanged()
    for shown in ({10: "a server"}, {10: "a server", 11: "its client"}, {10: "a server"}):
        facts = node(shown, "", arrived=False, lost=False)
        found = identify(facts, RULES, known=known)
        assert found == identify(facts, RULES)
        (service,) = found[0].services
        assert bool(service.client_pids) is (11 in shown)


def is_remembered(shows: str) -> bool:
    known, facts = Unchanged(), node({10: shows}, "one:1", arrived=True, lost=False)
    (inventory,) = identify(facts, RULES, known=known)
    return known.find(inventory.workload, facts.processes, facts) is not None


def test_only_what_others_have_a_say_in_is_made_each_time() -> None:
    made = {shows for shows in SHOWN if not is_remembered(shows)}
    assert made == {"a server", "a configuration"}


def test_that_it_is_still_seen_is_told_after_a_while() -> None:
    now = [0.0]
    known = Unchanged(clock=lambda: now[0])
    model = make.model_use()
    act = (model.model.file.path, model.use.kind)

    def last_seen(at: float) -> float | None:
        now[0] = at
        process = make.seen(models=(model,), when={act: Span(0.0, at)})
        (inventory,) = identify(make.node([process]), RULES, known=known)
        (component,) = (c for c in inventory.components if c.kind == "model")
        return component.evidence[0].last_seen

    assert [last_seen(at) for at in (0.0, MAX_AGE, MAX_AGE + 1)] == [0.0, 0.0, MAX_AGE + 1]


def test_what_has_thousands_of_processes_is_not_kept() -> None:
    known = Unchanged()
    for more in (0, 1):
        processes = [make.seen(pid) for pid in range(MAX_MEMBERS + more)]
        identify(make.node(processes), RULES, as_one=True, known=known)
        assert len(known._made) == 1 - more


def test_what_has_ended_is_forgotten() -> None:
    known = Unchanged()
    for pid in range(10, 20):
        identify(node({pid: "a model"}, "", arrived=False, lost=False), RULES, known=known)
    assert len(known._made) == 1
