"""Digests that become known later: of what runs and of what has ended, and never doubled."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from aibom.observe.files.settling import settled_facts, settled_model, unfinished
from aibom.observe.watch.history import History
from aibom.observe.watch.lives import Life
from aibom.types.facts import ProcessFacts
from aibom.types.files import FileFacts, FileKey, FileUse, Origin, UseKind
from aibom.types.modelfiles import Companion, HubPlace, HubSource, ModelUse
from aibom.types.packages import Binary
from aibom.types.unseen import Unseen
from tests import make

DIGEST = "cd" * 32


def file(path: str = "/m/a.gguf", inode: int = 1, **fields: Any) -> FileFacts:
    values: dict[str, Any] = {"sha256": "", "pending": True}
    return FileFacts(path, FileKey(1, inode, 10, 0, 0), Origin("volume"), **(values | fields))


def settle(found: FileFacts) -> FileFacts:
    return found if found.sha256 else replace(found, sha256=DIGEST, pending=False)


def pending(processes: Iterable[ProcessFacts]) -> tuple[Unseen, ...]:
    return unfinished(processes, lambda _: "")


def nothing(found: FileFacts) -> FileFacts:
    return found


def used(kind: UseKind = "opened", **fields: Any) -> ModelUse:
    found = make.model_use(file(**fields))
    return replace(found, use=FileUse("/m/a.gguf", kind, "", "", 1))


def life(pid: int = 7, **fields: Any) -> Life:
    return Life(pid, make.process(pid, **fields), placed=True)


def everything(history: History) -> tuple[ProcessFacts, ...]:
    return history.facts(lambda _: True)


def told(history: History) -> list[tuple[int, str, int]]:
    return [
        (facts.process.pid, use.model.file.sha256, use.times)
        for facts in everything(history)
        for use in facts.models
    ]


@pytest.fixture
def history() -> History:
    return History(lambda facts: bool(facts.models))


def test_what_a_look_and_events_saw_gets_its_digest(history: History) -> None:
    history.look(life(1), make.seen(1, models=(make.model_use(file()),)))
    history.use(life(2), used())
    before = history.changes
    history.settle(nothing)
    assert history.changes == before
    history.settle(settle)
    assert history.changes == before + 1
    assert told(history) == [(1, DIGEST, 1), (2, DIGEST, 1)]
    assert pending(everything(history)) == ()


def test_what_has_ended_gets_its_digest_as_well(history: History) -> None:
    one = life()
    history.use(one, used())
    history.end(one)
    history.tidy(everything=True)
    history.settle(settle)
    assert told(history) == [(7, DIGEST, 1)]


def test_uses_from_before_and_after_are_one(history: History) -> None:
    one = life()
    history.use(one, used())
    history.use(one, used())
    history.use(one, used(sha256=DIGEST, pending=False))
    history.settle(settle)
    assert told(history) == [(7, DIGEST, 3)]


def test_ended_processes_that_differed_in_that_alone_are_one(history: History) -> None:
    for pid, use in ((1, used()), (2, used(sha256=DIGEST, pending=False)), (3, used())):
        one = life(pid)
        history.use(one, use)
        history.end(one)
        history.tidy(everything=True)
    assert len(everything(history)) == 2
    history.settle(settle)
    assert told(history) == [(1, DIGEST, 3)]


def test_nothing_is_made_anew_where_nothing_becomes_known() -> None:
    facts = make.seen(models=(make.model_use(file()),))
    assert settled_facts(facts, nothing) is facts


def test_a_hub_s_promise_is_checked_when_the_digest_is_known() -> None:
    source = HubSource("org/model", ("c" * 40,), "a.gguf")
    for promised, verified in ((f"sha256:{DIGEST}", True), (f"sha256:{'0' * 64}", False)):
        hub = HubPlace("huggingface", (source,), promised=promised)
        model = settled_model(make.model_use(file(), hub=hub).model, settle)
        assert model.hub is not None
        assert model.hub.verified == verified


def test_companions_and_binaries_get_theirs() -> None:
    use = make.model_use(file(sha256=DIGEST, pending=False))
    part = Companion("part", file("/m/a.data", 2))
    use = replace(use, model=replace(use.model, companions=(part,)))
    facts = make.seen(models=(use,), binaries=(Binary(file("/lib/libllama.so", 3), "libllama.so"),))
    assert [u.subject for u in pending([facts])] == ["/m/a.data", "/lib/libllama.so"]
    settled = settled_facts(facts, settle)
    assert settled.models[0].model.companions[0].file.sha256 == DIGEST
    assert settled.binaries[0].file.sha256 == DIGEST
    assert pending([settled]) == ()


def test_what_is_pending_is_said_once_for_a_process() -> None:
    facts = make.seen(models=(used(), used("written")))
    (unseen,) = pending([facts])
    assert (unseen.reason, unseen.subject, unseen.pid) == ("pending", "/m/a.gguf", 7)


def test_what_could_not_be_hashed_is_said() -> None:
    facts = make.seen(models=(make.model_use(file(pending=False)),))
    (unseen,) = unfinished([facts], lambda _: "Input/output error")
    assert (unseen.reason, unseen.detail) == ("unreadable", "Input/output error")


def test_a_file_that_was_deleted_meanwhile_is_one_model(history: History) -> None:
    """Its identity is another one then, while its content is what it was."""
    one = life()
    before = make.model_use(file(pending=False))
    deleted = replace(before.model.file.key, ctime_ns=9)
    after = make.model_use(replace(file(sha256=DIGEST, pending=False), key=deleted))
    history.look(one, make.seen(models=(before,)))
    history.look(one, make.seen(models=(after,)))
    assert told(history) == [(7, DIGEST, 1)]
    written = replace(before.model.file.key, mtime_ns=8)
    other = make.model_use(replace(file(pending=False), key=written))
    history.look(one, make.seen(models=(other,)))
    assert sorted(told(history)) == [(7, "", 1), (7, DIGEST, 1)]
