"""The main job as one function: what is kept, and that no record of a blind spot is lost."""

from typing import cast

from aibom.observe.sweep import Scope, Sweeper
from aibom.pipeline import scan
from aibom.types.facts import NodeFacts
from aibom.types.packages import LoadedPackage
from aibom.types.rules import RuleSet
from aibom.types.unseen import Unseen
from tests import make

NONE = RuleSet((), ())


class Swept:
    """A sweeper that has seen what a test says."""

    def __init__(self, facts: NodeFacts) -> None:
        self._facts = facts

    def sweep(self, scope: Scope) -> NodeFacts:
        assert scope == Scope()
        return self._facts


def run(facts: NodeFacts) -> tuple[list[str], list[str]]:
    found = scan(cast("Sweeper", Swept(facts)), NONE, Scope())
    carried = [u.subject for i in found.inventories for u in i.unseen]
    return carried, [u.subject for u in found.unseen]


def test_a_workload_that_cannot_be_named_costs_itself_alone() -> None:
    nameless = LoadedPackage(make.package(""), make.file("/s/x.so"))
    facts = make.node(
        [
            make.seen(of=make.process(7, comm="odd"), packages=(nameless,)),
            make.seen(of=make.process(8), models=(make.model_use(),)),
        ]
    )
    found = scan(cast("Sweeper", Swept(facts)), NONE, Scope())
    assert [i.workload.name for i in found.inventories] == ["python3-8"]
    assert [u.subject for u in found.unseen] == ["workload odd-7"]


def test_every_record_is_said_once() -> None:
    unseen = (
        Unseen("denied", "of the model's process", pid=8),
        Unseen("denied", "of a process without AI", pid=7),
        Unseen("denied", "of nobody that was met", pid=9),
        Unseen("runtime", "of the node"),
    )
    with_ai = make.seen(of=make.process(8), models=(make.model_use(),))
    plain = make.seen(of=make.process(7))
    carried, rest = run(make.node([plain, with_ai], unseen=unseen))
    assert carried == ["of the model's process", "of the node"]
    assert rest == ["of a process without AI", "of nobody that was met"]
    carried, rest = run(make.node([plain], unseen=unseen[1:]))
    assert (carried, rest) == ([], [u.subject for u in unseen[1:]])
