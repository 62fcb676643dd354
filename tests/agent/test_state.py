"""What an agent remembers: findings told once, spans, what images load, and what is forgotten."""

import os
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from aibom.agent.events import key_of
from aibom.agent.state.findings import id_of
from aibom.agent.state.store import State
from aibom.types.declared import Claim
from aibom.types.inventory import Inventory, Service, Workload
from tests.agent.states import DAY, NOW, Node, Told, finding, findings, image, package, pod


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path / "state")


def told(state: State, inventory: Inventory, *found: object, now: float = NOW) -> list[str]:
    """Take a workload and tell what is new of it; return the fingerprints and severities."""
    new = state.take("node-1", inventory, findings(*found), now)  # type: ignore[arg-type]
    state.told([n.id for n in new])
    return [f"{n.finding.fingerprint} {n.finding.severity}" for n in new]


def test_a_finding_is_told_once_for_each_workload(node: Node) -> None:
    state = node.run()
    assert told(state, pod(), finding()) == ["f high"]
    assert told(state, pod(), finding()) == []
    assert told(state, pod("other"), finding()) == ["f high"], "a new pod is another workload"
    state.close()
    again = node.run()
    assert told(again, pod(), finding()) == [], "not after a restart either"
    assert told(again, pod(), finding(), finding("g")) == ["g high"]


def test_what_is_told_has_a_name_that_needs_no_memory(node: Node) -> None:
    state = node.run()
    new = state.take("node-1", pod(), findings(finding()), NOW)[0]
    assert new.id == id_of("node-1", "pod:uid", finding())
    assert len(new.id) == 32
    assert new.component is not None
    assert new.component.ref == "model:x"
    assert (new.node, new.first_seen) == ("node-1", NOW)


def test_first_seen_is_when_the_component_was_first_seen(node: Node) -> None:
    found = package("torch", last=NOW - 60)
    state = node.run()
    new = state.take("n", pod("u", found), findings(finding(ref=found.ref)), NOW)
    assert new[0].first_seen == NOW - 60


def test_worse_is_told_again_and_better_is_not(node: Node) -> None:
    state = node.run()
    assert told(state, pod(), finding(severity="medium")) == ["f medium"]
    assert told(state, pod(), finding(severity="low")) == []
    assert told(state, pod(), finding(severity="high")) == ["f high"]
    assert told(state, pod(), finding(severity="medium")) == []
    assert told(state, pod(), finding(severity="high")) == [], "that was told"


def test_the_end_of_an_exception_is_worse(node: Node) -> None:
    state = node.run()
    accepted = finding(accepted="until the audit")
    first = state.take("n", pod(), findings(accepted), NOW)
    second = state.take("n", pod(), findings(finding()), NOW)
    assert len(first) == len(second) == 1
    assert first[0].id != second[0].id


def test_of_two_findings_with_one_fingerprint_the_worse_is_told(node: Node) -> None:
    assert told(node.run(), pod(), finding(severity="low"), finding()) == ["f high"]


def test_what_comes_back_soon_is_not_told_again(node: Node) -> None:
    state = node.run()
    told(state, pod(), finding())
    assert told(state, pod()) == []
    node.wait(29 * DAY)
    assert told(state, pod(), finding(), now=node.wall) == []


def test_what_comes_back_late_is(node: Node) -> None:
    state = node.run()
    told(state, pod(), finding())
    node.wait(31 * DAY)
    assert told(state, pod(), now=node.wall) == [], "it held until now"
    node.wait(31 * DAY)
    assert told(state, pod(), finding(), now=node.wall) == ["f high"]


def test_what_came_back_late_is_told_also_after_a_housekeeping(node: Node) -> None:
    state = node.run()
    service = Inventory(Workload("service", "ollama.service"))
    told(state, service, finding())
    state.ended("service:/ollama.service", NOW)
    for _ in range(31):
        node.wait(DAY)
        state.prune(node.wall)
    assert state.watched("service:/ollama.service") is None
    assert told(state, service, finding(), now=node.wall) == ["f high"]


def test_a_service_that_starts_again_is_not_told_again(node: Node) -> None:
    state = node.run()
    service = Inventory(Workload("service", "ollama.service"))
    told(state, service, finding())
    state.ended("service:/ollama.service", NOW)
    assert state.living() == {}
    state.close()
    state = node.run()
    assert told(state, service, finding()) == []
    assert list(state.living()) == ["service:/ollama.service"]


def test_open_findings_are_those_that_hold_of_what_lives(node: Node) -> None:
    state = node.run()
    told(state, pod("a"), finding(), finding("g", "low"))
    told(state, pod("b"), finding())
    number = finding().kind.id
    assert state.open_findings() == {(number, "high"): 2, (number, "low"): 1}
    state.ended("pod:b", NOW)
    told(state, pod("a"), finding("g", "low"))
    assert state.open_findings() == {(number, "low"): 1}
    state.close()
    assert node.run().open_findings() == {(number, "low"): 1}


def test_what_was_not_told_waits_over_restarts(node: Node) -> None:
    state = node.run()
    new = state.take("n", pod(), findings(finding(), finding("g")), NOW)
    assert state.untold() == new
    state.told([new[0].id])
    state.close()
    again = node.run()
    assert again.untold() == [new[1]]
    assert told(again, pod(), finding(), finding("g")) == []
    again.told([new[1].id])
    again.close()
    assert node.run().untold() == []


def test_what_is_remembered_of_a_workload_comes_back(node: Node) -> None:
    state = node.run()
    first = pod("uid", package("torch", last=NOW))
    told(state, first)
    assert state.recall("pod:uid") == first
    second = pod("uid", package("torch", last=NOW), package("peft", last=NOW))
    told(state, second)
    assert state.recall("pod:uid") == second, "what waits to be stored, too"
    state.close()
    again = node.run()
    found = again.recall("pod:uid")
    assert found == second
    assert found.components[0].evidence[0].last_seen == NOW
    assert again.recall("pod:nobody") is None
    assert again.living() == {"pod:uid": second.workload}


def test_names_that_are_no_utf8_come_back(node: Node) -> None:
    odd = "caf\udce9\ud800\0\u2028"
    workload = Workload("service", odd)
    found = Inventory(workload, (replace(package("torch"), ref=odd, name=odd),))
    state = node.run()
    new = state.take("n", found, findings(finding(odd, ref=odd)), NOW)
    assert len(new) == 1
    state.close()
    again = node.run()
    assert again.recall(key_of(workload)) == found
    assert again.untold() == new
    assert state.error == again.error == ""


def test_time_watched_adds_up_over_restarts(node: Node) -> None:
    state = node.run()
    told(state, pod())
    node.wait(100)
    state.close()
    node.wait(1000)
    state = node.run()
    told(state, pod(), now=node.wall)
    node.wait(50)
    state.prune(node.wall)
    assert state.watched("pod:uid") == (NOW, NOW + 1150, 150)
    state.ended("pod:uid", node.wall)
    node.wait(50)
    assert state.watched("pod:uid") == (NOW, NOW + 1150, 150)


def test_time_watched_survives_a_kill_up_to_the_last_minute(node: Node) -> None:
    state = node.run()
    told(state, pod())
    node.wait(60)
    state.prune(node.wall)
    node.wait(30)
    with sqlite3.connect(f"file:{node.folder}/state.sqlite?immutable=1", uri=True) as copy:
        assert copy.execute("PRAGMA quick_check").fetchone() == ("ok",)
    state._keeper.database.close()  # as a kill would
    state._keeper._place.close()
    assert node.run().watched("pod:uid") == (NOW, NOW + 60, 60)


DIGEST = "sha256:" + "1" * 64


def claim(name: str) -> Claim:
    return Claim("sbom.json", name, purl=f"pkg:pypi/{name}@1.0")


def test_what_an_image_loads_is_what_any_of_its_pods_loads(node: Node) -> None:
    state = node.run()
    told(state, pod("a", image(), package("torch")))
    node.wait(100)
    told(state, pod("b", image(), package("peft"), package("sidecar", "other")), now=node.wall)
    node.wait(50)
    state.ended("pod:a", node.wall)
    node.wait(50)
    state.ended("pod:b", node.wall)
    node.wait(500)
    state.close()
    state = node.run()
    found = state.image_loads(DIGEST, NOW)
    assert found is not None
    once = "one after the other, and not twice at once"
    assert state.image_watched(DIGEST) == (NOW, NOW + 200, 200), once
    assert [found.has(claim(n)) for n in ("torch", "peft", "sidecar")] == [True, True, False]
    assert found.refs == {"pkg:pypi/torch@1.0", "pkg:pypi/peft@1.0"}
    assert state.image_loads("sha256:nobody", NOW) is None
    assert state.image_watched("sha256:nobody") is None


def test_what_was_not_loaded_for_days_is_said(node: Node) -> None:
    state = node.run()
    for day in range(9):
        used = [package("torch", last=NOW), package("peft", last=node.wall)]
        service = Service("service:x:api.example:443", "x", "", "https", ("api.example:443",))
        told(state, replace(pod("a", image(), *used), services=(service,)), now=node.wall)
        state.prune(node.wall)
        if day < 8:
            node.wait(DAY)
    found = state.image_loads(DIGEST, node.wall - 7 * DAY)
    assert found is not None
    assert found.refs == {"pkg:pypi/peft@1.0", service.ref}
    assert found.hosts == {"api.example"}
    watched = state.image_watched(DIGEST)
    assert watched is not None
    assert watched.seconds == 8 * DAY
    everything = state.image_loads(DIGEST, NOW)
    assert everything is not None
    assert "pkg:pypi/torch@1.0" in everything.refs


def test_what_was_taken_long_ago_still_counts_as_loaded(node: Node) -> None:
    state = node.run()
    told(state, pod("a", image(), package("torch")))
    node.wait(20 * DAY)
    state.prune(node.wall)
    found = state.image_loads(DIGEST, node.wall - 7 * DAY)
    assert found is not None
    assert "pkg:pypi/torch@1.0" in found.refs


@pytest.mark.parametrize("jump", [-365 * DAY, 3650 * DAY])
def test_a_clock_that_jumps_makes_nothing_old(node: Node, jump: float) -> None:
    state = node.run()
    told(state, pod("a", image(), package("torch", last=NOW)), finding())
    told(state, pod("b", package("torch")), finding())
    state.ended("pod:b", NOW)
    node.wall += jump
    for _ in range(2):
        for _ in range(3):
            node.wait(60)
            state.prune(node.wall)
        assert told(state, pod("a", image(), package("torch", last=NOW)), finding()) == []
        for key in ("pod:a", "pod:b"):
            watched = state.watched(key)
            assert watched is not None
            assert watched.last >= watched.first
            assert 0 <= watched.seconds < 1000
        found = state.image_loads(DIGEST, node.wall - DAY)
        assert found is not None
        assert "pkg:pypi/torch@1.0" in found.refs
        state.close()
        state = node.run()
    assert told(state, pod("b", package("torch")), finding(), now=node.wall) == []


def test_an_unchanged_workload_is_not_stored_again(node: Node) -> None:
    state = node.run()
    told(state, pod("a", package("torch", last=NOW)), finding())
    node.wait(60)
    stored = os.stat(node.folder / "state.sqlite-wal")
    told(state, pod("a", package("torch", last=node.wall)), finding(), now=node.wall)
    now = os.stat(node.folder / "state.sqlite-wal")
    assert (now.st_mtime_ns, now.st_size) == (stored.st_mtime_ns, stored.st_size)


def test_ids_of_an_output_are_told_where_the_state_is_new(node: Node) -> None:
    state = node.run()
    state.adopt([id_of("node-1", "pod:uid", finding())])
    assert told(state, pod(), finding(), finding("g")) == ["g high"]
    state.close()
    state = node.run()
    state.adopt([id_of("node-1", "pod:uid", finding("h"))])
    assert told(state, pod(), finding(), finding("h")) == ["h high"], "it is not new any more"


def test_ids_that_were_adopted_are_kept(node: Node) -> None:
    state = node.run()
    state.adopt([id_of("node-1", "pod:uid", finding())])
    state.close()
    assert told(node.run(), pod(), finding()) == []


def test_a_file_stays_as_large_as_it_may_be(tmp_path: Path) -> None:
    node = Node(tmp_path / "state", max_bytes=2 * 2**20)
    state = node.run()
    unsaid = state.take("n", pod("first"), findings(finding("unsaid")), NOW)
    state.ended("pod:first", NOW)
    for number in range(300):
        node.wait(10)
        names = [package(f"p{number}-{i}", last=node.wall) for i in range(40)]
        told(state, pod(f"u{number}", image(), *names), finding(), now=node.wall)
        state.ended(f"pod:u{number}", node.wall)
        if number % 10 == 0:
            state.prune(node.wall)
    for _ in range(3):
        state.prune(node.wall)
    assert state.untold() == unsaid
    assert state.watched("pod:u0") is None, "the oldest is gone"
    assert state.watched("pod:u299") is not None
    assert state.error, "and it is said"
    sizes = {n: os.stat(node.folder / n).st_size for n in os.listdir(node.folder)}
    assert sizes["state.sqlite"] <= node.max_bytes * 0.9
    assert sizes["state.sqlite-wal"] < 5 * 2**20
    state.close()
    assert node.run().untold() == unsaid


def test_what_is_old_is_forgotten_and_the_file_shrinks(node: Node) -> None:
    state = node.run()
    for number in range(50):
        names = [package(f"p{number}-{i}", last=NOW) for i in range(100)]
        told(state, pod(f"u{number}", image(), *names))
        state.ended(f"pod:u{number}", NOW)
    state.prune(NOW)
    before = os.stat(node.folder / "state.sqlite").st_size
    for _ in range(2):
        node.wait(31 * DAY)
        state.prune(node.wall)
    assert os.stat(node.folder / "state.sqlite").st_size < before / 5
    assert state.error == ""


def test_open_says_what_it_needs(tmp_path: Path) -> None:
    log = Told()
    state = State.open(str(tmp_path / "s"), log, days=30.0, max_bytes=2**24)
    assert (state.error, state.living(), log.said) == ("", {}, [])
    state.close()


@pytest.mark.parametrize(("kind", "kept"), [("pod", False), ("container", True)])
def test_what_was_seen_of_a_pod_is_forgotten_an_hour_after_its_end(
    node: Node, kind: Literal["pod", "container"], kept: bool
) -> None:
    workload = Workload(kind, "n", uid="uid")
    found = Inventory(workload, (package("torch"),))
    state = node.run()
    assert len(state.take("n", found, findings(finding()), NOW)) == 1
    state.told(n.id for n in state.untold())
    state.ended(key_of(workload), NOW)
    state.prune(node.wall)
    assert state.recall(key_of(workload)) is not None
    node.wait(2 * 3600)
    state.prune(node.wall)
    assert (state.recall(key_of(workload)) is not None) == kept
    # which is no news of it all the same
    assert state.take("n", found, findings(finding()), node.wall) == []
