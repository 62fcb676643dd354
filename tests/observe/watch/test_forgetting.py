"""A watch that goes on for months forgets what a caller keeps."""

from types import SimpleNamespace
from typing import Any, cast

from aibom.observe.files.recent import Recent
from aibom.observe.python.interpreters import Interpreters
from aibom.observe.sweep import Sweeper
from aibom.observe.watch.account import Account
from aibom.types.unseen import Unseen


def test_recent_keeps_what_is_wanted() -> None:
    recent: Recent[str, int] = Recent(3)
    for number, name in enumerate("abcd"):
        recent.put(name, number)
    recent.keep(lambda name: name != "c")
    assert [recent.get(name) for name in "abcd"] == [None, 1, None, 3]


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
