"""What a watch says that it could not see."""

import pytest

from aibom.observe.watch import account as module
from aibom.observe.watch.account import Account
from aibom.types.unseen import Unseen


def test_what_one_act_brings_costs_nothing_but_itself() -> None:
    account = Account(())
    with account.guarded(7):
        raise RecursionError("too deep")
    (unseen,) = account.unseen
    assert (unseen.reason, unseen.pid) == ("unreadable", 7)
    assert unseen.detail == "RecursionError: too deep"


def test_an_interrupt_is_no_act_of_a_process() -> None:
    with pytest.raises(KeyboardInterrupt), Account(()).guarded(7):
        raise KeyboardInterrupt


def test_more_than_there_is_room_for_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_UNSEEN", 2)
    account = Account((Unseen("sensor", "a"),))
    for subject in ("b", "c", "d", "b"):
        account.miss(Unseen("denied", subject))
    assert [u.subject for u in account.unseen] == ["a", "b"]
    assert [(u.subject, u.detail) for u in account.shortfalls(1)] == [
        ("the watch's memory", "3 records did not fit")
    ]


def test_losses_and_what_is_nobodys_are_said_in_numbers() -> None:
    account = Account(())
    assert account.shortfalls(0) == []
    account.counts.lost, account.counts.uses, account.counts.unattributed = 2, 10, 3
    told = {u.reason: u.detail for u in account.shortfalls(0)}
    assert told["lost"].startswith("2 times")
    assert told["unattributed"].startswith("3 of 10")
    assert account.summary() == "0 seen, 10 of model files (3 not attributed), 2 losses"
