"""A watch that goes on for months forgets what a caller keeps."""

from aibom.observe.files.recent import Recent
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
