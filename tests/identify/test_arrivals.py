"""Who wrote a model's files, said on the model, as long as these are what was written."""

from dataclasses import replace

import pytest

from aibom.identify.models.arrivals import with_arrivals
from aibom.types.files import Arrival, FileFacts, FileKey, Origin, Written
from aibom.types.words import arrived
from tests import make

CURL = Arrival("curl", 7, "init", ("curl", "-O", "https://x/m"), ("192.0.2.1:443",))
RENAMED = Arrival("python3", 8, renamed_from="ab.incomplete")


def file(device: int, inode: int) -> FileFacts:
    return FileFacts(f"/m/{inode}", FileKey(device, inode, 1, 1, 1), Origin("volume"), "aa")


@pytest.mark.parametrize(
    ("device", "inode", "expected"),
    [(1, 5, CURL), (2, 5, RENAMED), (3, 5, None), (1, 6, None), (0, 5, None), (0, 7, CURL)],
)
def test_writers_by_device_and_inode(device: int, inode: int, expected: Arrival | None) -> None:
    arrivals = {
        Written(1, 5, 1): (CURL,),
        Written(2, 5, 1): (RENAMED,),
        Written(1, 6, 2): (RENAMED,),  # another file that had the inode
        Written(0, 7, 1): (CURL,),
    }
    (found,) = with_arrivals([make.component(files=(file(device, inode),))], arrivals)
    said = (("aibom:arrival", arrived(expected)),) if expected is not None else ()
    assert found.properties == said


def test_it_is_said_on_the_component_beside_what_is_said_already() -> None:
    shards = make.component(files=(file(1, 5), file(2, 5)), properties=(("a", "b"),))
    other = make.component(files=(file(1, 9),))
    arrivals = {Written(1, 5, 1): (CURL, CURL), Written(2, 5, 1): (RENAMED, CURL)}
    found, same = with_arrivals([shards, other], arrivals)
    assert same is other
    assert found == replace(
        shards,
        properties=(
            ("a", "b"),
            ("aibom:arrival", arrived(CURL)),
            ("aibom:arrival", arrived(RENAMED)),
        ),
    )


@pytest.mark.parametrize(
    ("arrival", "words"),
    [
        (
            CURL,
            (
                "written by curl (pid 7) in container init: curl -O https://x/m;"
                " connected to 192.0.2.1:443"
            ),
        ),
        (RENAMED, "written by python3 (pid 8); renamed from ab.incomplete"),
        (Arrival("", 9), "written by a process that ended too soon (pid 9)"),
    ],
)
def test_in_words(arrival: Arrival, words: str) -> None:
    assert arrived(arrival) == words
