"""The file system that layers make: whiteouts, links, and paths that lead nowhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.containers import tree
from aibom.formats.containers.tree import File, Folder, Link, Tree
from aibom.formats.source import FormatError


def put(made: Tree, layer: int, *paths: str) -> None:
    for path in paths:
        name, arrow, target = path.partition(" -> ")
        if arrow:
            assert made.put(name, Link(target, layer), layer)
        elif name.endswith("/"):
            assert made.put(name, Folder(layer), layer)
        else:
            assert made.put(name, File(f"{layer}:{name}", 1, layer), layer)


def layered(*layers: list[str]) -> Tree:
    made = Tree()
    for number, paths in enumerate(layers):
        put(made, number, *paths)
    return made


def files(made: Tree) -> dict[str, str]:
    return {path: file.sha256 for path, file in made.files()}


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([["a/b", "a/c"], ["a/b"]], {"/a/b": "1:a/b", "/a/c": "0:a/c"}),
        ([["a/b", "a/c"], ["a/.wh.b"]], {"/a/c": "0:a/c"}),
        ([["a/b"], [".wh.a"]], {}),
        # a whiteout is for what lower layers have, whatever its place in its own
        ([["a/b"], ["a/x", ".wh.a"]], {"/a/x": "1:a/x"}),
        ([["a/b"], [".wh.a", "a/x"]], {"/a/x": "1:a/x"}),
        ([["a/b", "a/c/d"], ["a/x", "a/.wh..wh..opq"]], {"/a/x": "1:a/x"}),
        ([["a/b"], ["a/.wh..wh..opq", "a/x"], ["a/y"]], {"/a/x": "1:a/x", "/a/y": "2:a/y"}),
        ([["a/b"], ["a/.wh..wh.plnk"]], {"/a/b": "0:a/b"}),
        ([["a"], ["a/"]], {}),
        ([["a/b"], ["a"]], {"/a": "1:a"}),
        ([["a/b"], ["a/"]], {"/a/b": "0:a/b"}),
        # a folder that is a link below is entered, as an overlay of all layers has it
        (
            [["usr/lib/x", "lib -> usr/lib"], ["lib/y"]],
            {"/usr/lib/x": "0:usr/lib/x", "/usr/lib/y": "1:lib/y"},
        ),
        ([["usr/lib/x", "lib -> usr/lib"], ["lib/.wh.x"]], {}),
        ([["a/x", "up -> ../../../a"], ["up/y"]], {"/a/x": "0:a/x", "/a/y": "1:up/y"}),
        ([["a -> /b"], ["a/x"]], {"/b/x": "1:a/x"}),
        ([["./a//b"]], {"/a/b": "0:./a//b"}),
        ([["/a/b", "/"], ["/a/.wh.b", "/c"]], {"/c": "1:/c"}),
    ],
)
def test_layers(layers: list[list[str]], expected: dict[str, str]) -> None:
    assert files(layered(*layers)) == expected


@pytest.mark.parametrize(
    "path", ["../x", "/../x", "a/../../x", "a/..", "x" * 5000, "a\0b", "loop/x", "file/x"]
)
def test_paths_that_lead_nowhere(path: str) -> None:
    made = layered(["loop -> loop", "file"])
    before = files(made)
    assert not made.put(path, File("f", 1, 1), 1)
    assert files(made) == before


def test_hard_links() -> None:
    made = layered(["a/b", "l -> a/b"])
    assert made.link("c", "a/b", 1)
    assert made.link("d", "/a/b", 1)
    assert not made.link("e", "a/none", 1)
    assert not made.link("e", "../a/b", 1)
    assert not made.link("e", "a", 1)
    assert made.link("m", "l", 1)
    assert files(made) == {"/a/b": "0:a/b", "/c": "0:a/b", "/d": "0:a/b"}
    assert made.followed("m") is not None


def test_a_device_takes_the_place_of_a_file() -> None:
    made = layered(["a"])
    assert made.put("a", None, 1)
    assert files(made) == {}


def test_real_paths() -> None:
    made = layered(["usr/lib/x", "lib -> usr/lib", "usr/lib/l -> x", "e -> ../usr/lib/x"])
    assert made.real("/lib/x") == "/usr/lib/x"
    for path in ("/lib/none", "/none/x", "/lib/l", "/lib", "/usr", "/", ""):
        assert made.real(path) == ""
    found = made.followed("/e")
    assert found is not None
    assert found.sha256 == "0:usr/lib/x"
    assert made.followed("/lib") is None


def test_more_entries_than_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MAX_ENTRIES", 3)
    with pytest.raises(FormatError, match="more than 3 files"):
        layered(["a", "b", "c", "d"])


def test_links_that_cost_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MAX_STEPS", 10_000)
    long = "/".join(["a", ".."] * 500)
    with pytest.raises(FormatError, match="too many links"):
        layered(["a/x", f"l -> {long}"], [f"l/{n}" for n in range(100)])


NAMES = st.sampled_from(["a", "b", "..", ".", "", ".wh.a", ".wh..wh..opq", "l"])
PATHS = st.lists(NAMES, min_size=1, max_size=5).map("/".join)


@given(st.lists(st.tuples(PATHS, PATHS, st.sampled_from("fldh"))))
def test_nothing_leads_out(entries: list[tuple[str, str, str]]) -> None:
    made = Tree()
    for number, (path, target, kind) in enumerate(entries):
        layer = number // 3
        if kind == "h":
            made.link(path, target, layer)
        else:
            nodes = {"f": File("x", 1, layer), "l": Link(target, layer), "d": Folder(layer)}
            made.put(path, nodes[kind], layer)
    for path, _ in made.files():
        parts = path.split("/")[1:]
        assert path.startswith("/")
        assert not {"", ".", ".."} & set(parts)
        assert made.real(path) == path
