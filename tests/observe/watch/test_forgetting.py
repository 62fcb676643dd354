"""A watch that goes on for months forgets what a caller keeps."""

from types import SimpleNamespace
from typing import Any, cast

from aibom.observe.files.recent import Recent
from aibom.observe.python.interpreters import Interpreters
from aibom.observe.sweep import Sweeper
from aibom.observe.watch.account import Account
from aibom.types.unseen import Unseen


def known(recent: Recent[str, int], names: str) -> str:
    return "".join(name for name in names if recent.get(name) is not None)


def test_recent_keeps_what_is_wanted() -> None:
    recent: Recent[str, int] = Recent(4)
    for number, name in enumerate("abcd"):
        recent.put(name, number)
    recent.keep(lambda name: name != "c")
    assert known(recent, "abcd") == "abd"
    assert recent.get("b") == 1


def test_of_too_much_the_oldest_goes_unless_it_was_asked_for() -> None:
    recent: Recent[str, int] = Recent(4)
    for number, name in enumerate("abcdef"):
        recent.put(name, number)
        assert recent.get("a") == 0
    assert known(recent, "bcdef") in ("ef", "def")


def test_what_nobody_asks_for_is_forgotten() -> None:
    now = 0.0
    recent: Recent[str, int] = Recent(1000, 300.0, lambda: now)
    for now in range(0, 3000, 100):
        recent.put(f"at {now}", now)
        assert recent.put("always put", 1)
        assert recent.get("at 0") == 0, "asked for again and again"
    assert recent.get("at 2900") is not None
    assert recent.get("at 2700") is not None
    assert recent.get("at 2200") is None


def test_what_is_no_longer_put_stays() -> None:
    now = 0.0
    recent: Recent[str, int] = Recent(1000, 300.0, lambda: now)
    recent.put("one", 1)
    now = 1e6
    assert recent.get("one") == 1


def test_the_account_forgets_whose_processes_are_gone() -> None:
    account = Account((Unseen("sensor", "file events"),))
    account.miss(Unseen("denied", "file x", pid=7))
    account.miss(Unseen("denied", "file y", pid=8))
    account.forget({8})
    assert [u.pid for u in account.unseen] == [None, 8]


def test_interpreters_of_processes_that_are_gone_are_forgotten() -> None:
    interpreters = Interpreters(cast("Any", None), "/proc")
    for pid in (7, 8, 9):
        interpreters._known[pid] = cast("Any", object())
    interpreters.forget({8})
    assert list(interpreters._known) == [8]


def test_looks_at_processes_that_are_gone_are_forgotten() -> None:
    sweeper = Sweeper(cast("Any", SimpleNamespace(host=None)))
    for pid in (7, 8, 9):
        sweeper._known[pid] = cast("Any", object())
    sweeper.forget([8, 9])
    assert sorted(sweeper._known) == [8, 9]
