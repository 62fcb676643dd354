"""Which opens are imports of installed packages: by folder and name, each folder asked once."""

from typing import cast

import pytest

from aibom.formats.events.fanotify import FileEvent
from aibom.observe.events.files import OPENED
from aibom.observe.watch.code import (
    CodeAct,
    CodeFolders,
    CodeUse,
    act_of,
    imports_of,
    is_code,
)
from aibom.observe.watch.collector import _may_be_import
from aibom.observe.watch.filesystems import FileSystems, Stored
from aibom.observe.watch.lives import Life
from tests import make
from tests.observe.watch.folders import Systems, opening

SITE = "/usr/lib/python3/site-packages"


def package(folder: str, name: bytes) -> tuple[str, str] | None:
    found = CodeFolders(cast("FileSystems", Systems())).package(opening(folder, name))
    return (found[0].path, found[1]) if found is not None else None


@pytest.mark.parametrize(
    ("folder", "name", "expected"),
    [
        (f"{SITE}/torch", b"__init__.py", "torch"),
        (f"{SITE}/torch/__pycache__", b"__init__.cpython-311.pyc", "torch"),
        (f"{SITE}/google/protobuf/__pycache__", b"__init__.cpython-311.pyc", "google/protobuf"),
        (f"{SITE}/a/b/c", b"__init__.py", "a/b/c"),
        (f"{SITE}/a/b/c/d/e/f", b"__init__.py", "a/b/c/d/e"),
        (f"{SITE}/torch/__pycache__", b"serialization.cpython-311.pyc", None),
        (f"{SITE}/__pycache__", b"six.cpython-311.pyc", "six.py"),
        (SITE, b"six.py", "six.py"),
        (SITE, b"\xff.py", "\udcff.py"),
        ("/usr/lib/python3/dist-packages/yaml", b"__init__.py", "yaml"),
        ("/usr/lib/python3.11", b"json.py", None),
        ("/srv/app", b"__init__.py", None),
        ("/site-packages.d/x", b"__init__.py", None),
        ("/gone/site-packages/x", b"__init__.py", None),
        ("/", b"x.py", None),
    ],
)
def test_the_package_whose_code_it_is(folder: str, name: bytes, expected: str | None) -> None:
    found = package(folder, name)
    assert (found[1] if found else None) == expected
    if found and folder.startswith(SITE):
        assert found[0] == SITE


def test_a_folder_is_asked_for_once() -> None:
    systems = Systems()
    folders = CodeFolders(cast("FileSystems", systems))
    for folder in (f"{SITE}/torch", "/srv/app", "/gone"):
        for name in (b"__init__.py", b"a.py", b"b.py"):
            folders.package(opening(folder, name))
    # what could not be asked may be askable later
    assert systems.asked == [f"{SITE}/torch", "/srv/app", "/gone", "/gone", "/gone"]


def test_a_site_packages_inside_another() -> None:
    found = package(f"{SITE}/pip/_vendor/site-packages/x", b"__init__.py")
    assert found == (f"{SITE}/pip/_vendor/site-packages", "x")


@pytest.mark.parametrize(
    ("name", "expected"),
    [(b"a.py", True), (b"a.cpython-311.pyc", True), (b"a.so", False), (b"py", False), (b"", False)],
)
def test_code_by_its_name(name: bytes, expected: bool) -> None:
    assert is_code(name) is expected


@pytest.mark.parametrize(
    ("name", "changed", "expected"),
    [
        (b"a.cpython-311.pyc", False, "read-bytecode"),
        (b"a.cpython-311.pyc", True, "wrote-bytecode"),
        (b"a.py", False, "read-source"),
    ],
)
def test_what_was_done_with_code(name: bytes, changed: bool, expected: str) -> None:
    assert act_of(opening(SITE, name), changed=changed) == expected


@pytest.mark.parametrize(
    ("acts", "argv", "sure", "perhaps"),
    [
        (["read-bytecode"], (), True, False),
        (["read-source", "wrote-bytecode"], (), True, False),
        (["read-source", "wrote-bytecode", "read-bytecode"], (), True, False),
        (["read-source"], (), False, True),
        # a copy, a compilation
        (["read-source", "read-bytecode"], (), False, False),
        (["wrote-bytecode"], (), False, False),
        (["read-source", "wrote-bytecode"], ("python3", "-m", "compileall"), False, False),
        (["read-source"], ("python3", "-m", "py_compile"), False, False),
    ],
)
def test_which_of_it_is_an_import(
    acts: list[CodeAct], argv: tuple[str, ...], sure: bool, perhaps: bool
) -> None:
    site = Stored("8:1", SITE)
    opened = {(site, "torch")}
    other = (site, "other", "read-bytecode")
    uses = [(site, "torch", act) for act in acts]
    assert imports_of(uses, argv) == (opened if sure else set(), opened if perhaps else set())
    if not argv:
        # what was done with one package says nothing of another
        assert imports_of([*uses, other], argv)[0] == {(site, "other")} | (
            opened if sure else set()
        )


def test_a_part_is_told_by_the_whole() -> None:
    site = Stored("8:1", SITE)
    # a copy of all, in which a part had no bytecode
    uses: set[CodeUse] = {
        (site, "sklearn", "read-source"),
        (site, "sklearn", "read-bytecode"),
        (site, "sklearn/tests", "read-source"),
    }
    assert imports_of(uses, ()) == (set(), set())
    # an import of all, of which one part reads a source
    uses |= {(site, f"sklearn/{part}", "read-bytecode") for part in ("base", "svm", "utils")}
    assert imports_of(uses, ()) == ({(site, "sklearn")}, set())
    # a namespace has no code of its own
    assert imports_of({(site, "google/genai", "read-bytecode")}, ())[0] == {(site, "google/genai")}


WRITTEN = 0x08


@pytest.mark.parametrize(
    ("events", "told"),
    [
        # an import with and without bytecode
        ([(OPENED, b"a.pyc")], [True]),
        ([(OPENED, b"a.py"), (WRITTEN, b"a.pyc")], [True, True]),
        # an installation, which compiles what it wrote
        ([(WRITTEN, b"a.py"), (OPENED, b"a.py"), (WRITTEN, b"a.pyc")], [False, False, False]),
        # a compilation ahead of time by somebody who read nothing here
        ([(WRITTEN, b"a.pyc")], [False]),
    ],
)
def test_what_installers_do_is_not_asked_about(
    events: list[tuple[int, bytes]], told: list[bool]
) -> None:
    life = Life(7, make.process(7))
    found = []
    for mask, name in events:
        event = FileEvent(mask, 7, b"8:1", b"folder", b"file", name, -1)
        found.append(_may_be_import(life, event))
        if found[-1]:
            act = act_of(event, changed=mask == WRITTEN)
            life.acting().code.add((Stored("8:1", SITE), "a", act))
            life.acting().reads_source |= act == "read-source"
    assert found == told
