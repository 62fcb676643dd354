"""What was seen before and what is seen now: nothing lost, nothing doubled, nothing without end."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from aibom.identify.remembered import (
    MAX_EVIDENCE,
    MAX_UNATTRIBUTED,
    MAX_UNSEEN,
    gist,
    joined,
)
from aibom.types.facts import Span
from aibom.types.files import Origin
from aibom.types.inventory import Component, Evidence, Inventory, Link, Service, Workload
from aibom.types.unseen import Unseen

POD = Workload("pod", "chat", "default", "u1", (), (7,))


def evidence(path: str = "/m/a.gguf", pid: int = 7, **fields: object) -> Evidence:
    return Evidence("mapped", path, "python3", pid, "binary-analysis", 90, "main", **fields)  # type: ignore[arg-type]


def model(ref: str = "model:a", *found: Evidence, sha256: str = "ab" * 32) -> Component:
    told = found or (evidence(f"/m/{ref}"),)
    return Component(
        ref, "model", "machine-learning-model", ref, told, Origin("volume"), sha256=sha256
    )


def inventory(*components: Component, **fields: object) -> Inventory:
    return Inventory(POD, components, **fields)  # type: ignore[arg-type]


inventories = st.builds(
    lambda parts, when: inventory(*parts, period=when),
    st.lists(
        st.builds(
            lambda name, pids, digest: model(
                name, *(evidence(f"/m/{name}", pid) for pid in pids), sha256=digest
            ),
            st.sampled_from(["a", "b", "c"]),
            st.sets(st.integers(1, 9), min_size=1, max_size=3),
            st.sampled_from(["", "ab" * 32]),
        ),
        max_size=3,
        unique_by=lambda c: c.ref,
    ).map(lambda found: sorted(found, key=lambda c: c.ref)),
    st.none() | st.builds(lambda a, b: Span(a, a + b), st.floats(0, 1e9), st.floats(0, 1e6)),
)


@given(inventories, inventories)
def test_joining_again_changes_nothing(earlier: Inventory, now: Inventory) -> None:
    once = joined(earlier, now, 100.0)
    again = joined(once, now, 100.0)
    assert again == once


@given(inventories, inventories)
def test_everything_seen_now_is_there(earlier: Inventory, now: Inventory) -> None:
    found = joined(earlier, now, 100.0)
    refs = [c.ref for c in found.components]
    assert len(refs) == len(set(refs))
    assert {c.ref for c in now.components} <= set(refs)
    assert {c.ref for c in earlier.components} <= set(refs)


def test_what_is_not_held_any_more_stays_with_the_time_until_when_it_was() -> None:
    earlier = inventory(model("a"), model("b"))
    found = joined(earlier, inventory(model("b")), 50.0)
    kept, held = found.components
    assert (kept.ref, kept.evidence[0].last_seen) == ("a", 50.0)
    assert (held.ref, held.evidence[0].last_seen) == ("b", None)
    # the time is that of the first look that did not see it
    assert joined(found, inventory(model("b")), 70.0).components[0].evidence[0].last_seen == 50.0


def test_a_model_whose_digest_was_missing_is_one_with_it() -> None:
    before = inventory(model("file:1", evidence("/m/x"), sha256=""))
    known = replace(model("digest", evidence("/m/x")), provisional=("file:1",))
    assert [c.ref for c in joined(before, inventory(known), 1.0).components] == ["digest"]
    # another content at the same path
    other = inventory(model("digest", evidence("/m/x")))
    assert len(joined(before, other, 1.0).components) == 2


def test_like_processes_are_one_piece_of_evidence() -> None:
    many = inventory(model("a", *(evidence(pid=n) for n in range(1, 500))))
    found = joined(None, many, 1.0)
    found = joined(found, inventory(model("a", evidence(pid=900))), 2.0)
    (only,) = found.components[0].evidence
    assert only.pid == 900


def test_evidence_and_unseen_have_bounds() -> None:
    found: Inventory | None = None
    for number in range(3 * MAX_UNSEEN):
        found = joined(
            found,
            inventory(
                model("a", evidence(f"/tmp/{number}")),
                unseen=(Unseen("denied", f"file {number}"), Unseen("vanished", f"pid {number}")),
            ),
            float(number),
        )
    assert found is not None
    assert len(found.components[0].evidence) == MAX_EVIDENCE
    # the newest are kept
    assert f"/tmp/{3 * MAX_UNSEEN - 1}" in {e.path for e in found.components[0].evidence}
    assert len(found.unseen) == MAX_UNSEEN + 1
    assert found.unseen[-1].subject == "the agent's memory"


def test_what_passed_is_not_remembered_as_hidden() -> None:
    before = inventory(unseen=(Unseen("vanished", "process 3"), Unseen("denied", "file x")))
    assert [u.reason for u in joined(before, inventory(), 1.0).unseen] == ["denied"]


def test_links_need_both_ends() -> None:
    link = Link("svc", "a")
    service = Service("svc", "serves", "a", "http")
    before = inventory(model("a", sha256=""), services=(service,), links=(link,))
    found = joined(before, inventory(model("b")), 1.0)
    assert found.links == (link,)
    superseding = inventory(replace(model("b"), provisional=("a",)))
    assert joined(before, superseding, 1.0).links == ()


def test_periods_are_joined() -> None:
    before = inventory(period=Span(10.0, 20.0))
    found = joined(before, inventory(period=Span(100.0, 160.0)), 1.0)
    assert (found.period, found.watched) == (Span(10.0, 160.0), 150)


def test_the_gist_leaves_out_numbers_and_times() -> None:
    one = inventory(
        model("a", evidence(pid=7, times=3, last_seen=5.0)),
        sensors=(("file events", "opens; 5 seen"),),
        unseen=(Unseen("denied", "x", pid=7),),
        watched=5,
        period=Span(1, 6),
    )
    other = inventory(
        model("a", evidence(pid=8)),
        sensors=(("file events", "opens; 9 seen"),),
        unseen=(Unseen("denied", "x", pid=8),),
    )
    assert gist(one) == gist(replace(other, workload=replace(POD, pids=(8, 9))))
    assert gist(one) != gist(replace(other, sensors=(("file events", "blind"),)))
    assert gist(one) != gist(inventory(model("a", evidence("/m/other"))))


def test_of_what_belongs_to_nobody_the_latest_is_remembered() -> None:
    nobody = Workload("unattributed", "unattributed")
    found = None
    for number in range(MAX_UNATTRIBUTED + 50):
        # refs in another order than the times
        ref = f"model:{999 - number}"
        now = Inventory(nobody, (model(ref, evidence(ref, last_seen=float(number))),))
        found = joined(found, now, float(number))
    assert found is not None
    assert len(found.components) == MAX_UNATTRIBUTED + 1
    assert "model:999" not in {c.ref for c in found.components}
    assert f"model:{999 - 50}" in {c.ref for c in found.components}
