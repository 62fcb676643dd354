"""Which opens are imports of installed packages: by folder and name, each folder asked once."""

from typing import cast

import pytest

from aibom.formats.events.fanotify import FileEvent
from aibom.observe.events.files import OPENED
from aibom.observe.watch.code import CodeFolders, is_code, runs_python
from aibom.observe.watch.filesystems import FileSystems, Stored

SITE = "/usr/lib/python3/site-packages"


class Systems:
    """Folders by their handles, which are their paths; and how often each was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def folder(self, identifier: bytes, handle: bytes) -> Stored:
        self.asked.append(handle.decode())
        if handle.startswith(b"/gone"):
            raise FileNotFoundError(handle)
        return Stored(identifier.decode(), handle.decode())


def opening(folder: str, name: bytes) -> FileEvent:
    return FileEvent(OPENED, 7, b"8:1", folder.encode(), b"file", name, -1)


def package(folder: str, name: bytes) -> tuple[str, str] | None:
    found = CodeFolders(cast("FileSystems", Systems())).package(opening(folder, name))
    return (found[0].path, found[1]) if found is not None else None


@pytest.mark.parametrize(
    ("folder", "name", "expected"),
    [
        (f"{SITE}/torch", b"__init__.py", "torch"),
        (f"{SITE}/torch/__pycache__", b"__init__.cpython-311.pyc", "torch"),
        (f"{SITE}/google/protobuf/__pycache__", b"__init__.cpython-311.pyc", "google/protobuf"),
        (f"{SITE}/a/b/c/d", b"__init__.py", "a/b/c"),
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
    assert systems.asked == [f"{SITE}/torch", "/srv/app", "/gone"]


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
    ("executable", "expected"),
    [
        ("/usr/bin/python3.11", True),
        ("/opt/python3.13t", True),
        ("python", True),
        ("/opt/pypy3", True),
        ("/usr/bin/python3-config", False),
        ("/usr/bin/ipython", False),
        ("/python3/cat", False),
        ("", False),
    ],
)
def test_a_python_by_its_name(executable: str, expected: bool) -> None:
    assert runs_python(executable) is expected
