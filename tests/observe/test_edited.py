"""Modules that a container wrote: found by the writable layer, and only there."""

from typing import cast

import pytest

from aibom.formats.cpython.modules import Module, ModuleTable
from aibom.formats.procfs.mountinfo import parse
from aibom.observe.host.protocol import FileStat, Host
from aibom.observe.python.edited import edited, written_in
from aibom.observe.python.imports import Imported
from aibom.types.packages import Package

TABLE = parse(
    b"36 35 0:50 / / rw - overlay overlay rw,lowerdir=/c/1/fs,upperdir=/c/2/fs,workdir=/w\n"
    b"37 36 8:1 /x /volume rw - ext4 /dev/sda1 rw\n"
)
PLAIN = parse(b"36 35 8:1 / / rw - ext4 /dev/sda1 rw\n")
FOUND = FileStat(9, 7, 10, 20, 30, 1, regular=True)
NAMES = ("one", "pkg", "pkg.a", "pkg.b", "pkg.sub", "pkgs.a")
MODULES = ModuleTable(
    version="3.11",
    free_threaded=False,
    layout="scan",
    modules=tuple(map(Module, NAMES)),
    subinterpreters=0,
)


class Upper:
    """A host on which some paths lie in the writable layer, and which counts the questions."""

    def __init__(self, *paths: str) -> None:
        self.paths = paths
        self.asked = 0

    def stat_in_layer(self, layer: str, path: str, runtime: int | None) -> FileStat | None:
        assert (layer, runtime) == ("/c/2/fs", 5)
        self.asked += 1
        if "denied" in self.paths:
            raise PermissionError
        here = any(p == path or p.startswith(path + "/") for p in self.paths)
        return FOUND if here else None


def imported(path: str) -> Imported:
    return Imported(Package("pypi", "pkg", "1.0", "/s/pkg-1.0.dist-info"), path)


@pytest.mark.parametrize(
    ("paths", "top", "expected"),
    [
        (("/s/pkg/a.py",), "/s/pkg/__init__.py", "/s/pkg/a.py"),
        (("/s/pkg/sub/__init__.py",), "/s/pkg/__init__.py", "/s/pkg/sub/__init__.py"),
        (("/s/pkg/a.py", "/s/pkg/b.py"), "/s/pkg/__init__.py", "/s/pkg/a.py"),
        (("/s/pkg/__pycache__/a.cpython-311.pyc",), "/s/pkg/__init__.py", ""),
        (("/s/pkg/never_imported.py",), "/s/pkg/__init__.py", ""),
        (("/s/other/a.py",), "/s/pkg/__init__.py", ""),
        (("/s/one.py",), "/s/one.py", ""),
        (("/volume/pkg/a.py",), "/volume/pkg/__init__.py", ""),
        (("denied",), "/s/pkg/__init__.py", ""),
    ],
)
def test_the_first_written_file_of_a_package_tells(
    paths: tuple[str, ...], top: str, expected: str
) -> None:
    written = written_in(cast("Host", Upper(*paths)), TABLE, 5)
    assert written is not None
    found = edited(MODULES, [imported(top)], written)
    assert [one.path for one in found] == ([expected] if expected else [])


def test_a_folder_that_was_not_written_is_asked_for_once() -> None:
    host = Upper("/s/other/x.py")
    written = written_in(cast("Host", host), TABLE, 5)
    assert written is not None
    assert edited(MODULES, [imported("/s/pkg/__init__.py")] * 10, written) == []
    assert host.asked <= 11


def test_without_a_writable_layer_nothing_is_asked() -> None:
    host = cast("Host", Upper())
    assert written_in(host, PLAIN, 5) is None
    # an overlay that no runtime mounted may name any folder as its layer
    assert written_in(host, TABLE, None) is None
