"""Locks: every requirement with one version and its hashes, and nothing else."""

import pytest

from rig.deploy import lock
from rig.errors import RigError

HASH = "--hash=sha256:" + "0" * 64


def test_the_locks_satisfy_the_project() -> None:
    lock.check_all()


def test_the_locks_name_no_place_to_fetch_from() -> None:
    for path in lock.purposes():
        assert "://" not in path.read_text()
        assert "-index" not in path.read_text()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("requests==2.0", "no SHA-256"),
        ("requests==2.0 --hash=md5:00", "no SHA-256"),
        (f"requests==2.0 {HASH} --hash=sha256:12", "no SHA-256"),
        (f"requests>=2.0 {HASH}", "one version"),
        (f"requests {HASH}", "one version"),
        (f"requests==2.0,!=2.1 {HASH}", "one version"),
        (f"requests @ https://example.com/requests.whl {HASH}", "one version"),
        ("--index-url https://example.com/simple", "no SHA-256"),
        (f"-e . {HASH}", "no requirement"),
        (f"./requests.whl {HASH}", "no requirement"),
    ],
)
def test_what_is_not_locked_is_refused(line: str, said: str) -> None:
    with pytest.raises(RigError, match=said):
        lock.locked(f"# made by hand\n{line}\n")


def test_markers_comments_and_broken_lines_are_read() -> None:
    entry = f"Py_Thing==1.0 ; python_version < '3.14' \\\n    {HASH} \\\n    {HASH}\n"
    text = f"# head\n{entry}    # via x\n"
    (requirement,) = lock.locked(text).values()
    assert list(lock.locked(text)) == ["py-thing"]
    assert str(requirement.marker) == 'python_version < "3.14"'


@pytest.mark.parametrize("wanted", ["requests>=3", "absent"])
def test_a_lock_that_is_too_old_says_what_to_do(wanted: str) -> None:
    with pytest.raises(RigError, match="make lock"):
        lock.check(f"requests==2.0 {HASH}\n", [wanted])
