"""Images beside the loop: read once, kept, waited for, tried again, and never more than allowed."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.agent.images import codec
from aibom.agent.images import own as own_module
from aibom.agent.images.identities import MOST_RETRY_SECONDS, RETRY_SECONDS, Identities
from aibom.agent.images.own import OwnImages
from aibom.agent.images.reader import Documents, ImageReader
from aibom.agent.images.shelf import Shelf
from aibom.agent.images.store import ImageStore
from aibom.pipeline import Own
from aibom.types.declared import Claim, Document, ImageFile
from aibom.types.facts import NodeFacts
from aibom.types.files import Origin
from aibom.types.inventory import Component, Inventory, Workload
from aibom.types.processes import Container
from tests.agent.outputs import Heard

DIGEST = "sha256:" + "ab" * 32
OTHER = "sha256:" + "cd" * 32


def document(name: str, files: int = 1) -> Document:
    held = {f"/{n}\udcff": ImageFile("ef" * 32, n, "sha256:1", "") for n in range(files)}
    claim = Claim(name, "a", purl="pkg:pypi/a@1", paths=frozenset({"/0"}))
    return Document(name, "image", "OCI", claims=(claim,), files=held)


def inventory(*references: str) -> Inventory:
    images = [
        Component(
            ref=f"image:{reference}",
            kind="image",
            type="container",
            name="app",
            evidence=(),
            origin=Origin("unknown"),
            containers=("main",),
            properties=(("aibom:image:reference", reference),) if reference else (),
        )
        for reference in references
    ]
    return Inventory(Workload("pod", "p", "default", "u"), tuple(images))


class Images:
    """Images as a containerd has them; ``fails`` says why one cannot be read."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o700)
        self.fails: dict[str, str] = {}
        self.asked: list[str] = []
        self.open = threading.Event()
        self.open.set()
        self.now = 0.0
        self.log = Heard()
        self.folder = folder / "images"

    def own(self) -> OwnImages:
        store = ImageStore(str(self.folder), self.log)
        self.reader = ImageReader(self.read, store, self.log, lambda: self.now, lambda _: None)
        return OwnImages(Identities(lambda _: {}, self.log), self.reader, clock=lambda: self.now)

    def read(self, reference: str, pace: Callable[[int], None]) -> Documents:
        self.asked.append(reference)
        assert self.open.wait(30)
        pace(1)
        if why := self.fails.get(reference):
            raise ValueError(why)
        return (document(reference),)


@pytest.fixture
def images(tmp_path: Path) -> Images:
    return Images(tmp_path)


def told(own: OwnImages, one: Inventory) -> Own:
    """Ask until there is an answer."""
    for _ in range(3000):
        if not (found := own(one)).pending:
            return found
        time.sleep(0.01)
    raise AssertionError("never read")


def news(own: OwnImages) -> frozenset[str]:
    for _ in range(3000):
        if (found := own.news()) is not None:
            return found
        time.sleep(0.01)
    raise AssertionError("no news")


def test_a_workload_waits_for_its_images_and_is_told_of_them(images: Images) -> None:
    images.open.clear()
    own = images.own()
    found = own(one := inventory(f"a@{DIGEST}"))
    assert found.pending
    assert [u.reason for u in found.unseen] == ["pending"]
    assert own.news() is None
    images.open.set()
    assert news(own) == frozenset()
    found = told(own, one)
    assert [d.name for d in found.documents] == [f"a@{DIGEST}"]
    assert [d.containers for d in found.documents] == [frozenset({"main"})]
    # replicas are promised the very same value
    assert own(replace(one, workload=Workload("pod", "q", "default", "v"))) is found
    own.close()


def test_a_restart_reads_no_image_again(images: Images) -> None:
    for _ in range(2):
        own = images.own()
        found = told(own, inventory(f"a@{DIGEST}", f"b@{OTHER}"))
        assert [dict(d.files) for d in found.documents] == [dict(document("").files)] * 2
        own.close()
    assert images.asked == [f"a@{DIGEST}", f"b@{OTHER}"]
    assert images.reader.loaded == 2


def test_what_is_damaged_on_disk_is_read_anew(images: Images) -> None:
    told(own := images.own(), inventory(f"a@{DIGEST}"))
    own.close()
    (kept,) = images.folder.iterdir()
    kept.write_bytes(kept.read_bytes()[:-9])
    told(own := images.own(), inventory(f"a@{DIGEST}"))
    own.close()
    assert len(images.asked) == 2
    assert "damaged" in images.log.text.getvalue()


def test_an_image_that_cannot_be_had_is_said_and_tried_again(images: Images) -> None:
    images.fails[f"a@{DIGEST}"] = "its layers are gone"
    own, one = images.own(), inventory(f"a@{DIGEST}", f"b@{OTHER}")
    assert own(one).pending
    assert news(own) == frozenset()
    found = own(one)
    assert (found.documents, found.pending) == ((), False)
    assert [(u.reason, u.detail) for u in found.unseen] == [("runtime", "its layers are gone")]
    images.fails.clear()
    images.now = 31.0
    assert news(own) == {f"a@{DIGEST}"}
    assert len(told(own, one).documents) == 2
    own.close()


def test_nobody_waits_for_ever(images: Images) -> None:
    images.open.clear()
    own, one = images.own(), inventory(f"a@{DIGEST}")
    assert own(one).pending
    images.now = own_module.PATIENCE_SECONDS
    assert own.news() == frozenset()
    found = own(one)
    assert (found.pending, [u.reason for u in found.unseen]) == (False, ["pending"])
    assert own.news() is None
    images.open.set()
    assert news(own) == {f"a@{DIGEST}"}
    assert told(own, one).documents
    own.close()


def test_what_needs_no_image_waits_for_none(images: Images) -> None:
    own = images.own()
    assert own(inventory()) == Own()
    found = own(inventory("sha256:../../etc"))
    assert not found.pending
    assert "not known to containerd" in found.unseen[0].detail
    assert images.asked == []


def test_more_images_than_memory_takes_are_all_told(images: Images) -> None:
    own = images.own()
    images.reader._shelf.limit = 2
    wanted = [inventory(f"a@sha256:{n:064x}", f"b@sha256:{n + 50:064x}") for n in range(5)]
    for _ in range(2):
        for one in wanted:
            assert len(told(own, one).documents) == 2
            own._own.limit = 2
    assert images.reader.read == 10
    own.close()


def test_who_uses_it_least_makes_room() -> None:
    shelf: Shelf[str, int] = Shelf(lambda size: size, 10)
    shelf.put("a", 4)
    shelf.put("b", 4)
    assert shelf.get("a") == 4
    shelf.put("c", 4)
    assert [shelf.get(key) for key in "abc"] == [4, None, 4]
    shelf.put("large", 100)
    assert [shelf.get(key) for key in ("a", "c", "large")] == [None, None, 100]


def test_a_full_store_forgets_what_was_used_first(images: Images) -> None:
    now = iter(range(100, 200))
    store = ImageStore(str(images.folder), images.log, 900, lambda: float(next(now)))
    digests = [f"sha256:{n:064x}" for n in range(20)]
    for digest in digests:
        store.save(digest, (document(digest),))
        assert store.load(digests[0])
    assert sum(f.stat().st_size for f in images.folder.iterdir()) <= 900
    assert store.load(digests[1]) is None
    store.close()
    (images.folder / "of another version.zst").touch()
    store = ImageStore(str(images.folder), images.log)
    assert store.load(digests[-1])
    assert not (images.folder / "of another version.zst").exists()
    store.close()


def test_a_store_that_cannot_be_used_holds_up_nobody(images: Images) -> None:
    images.folder.touch()
    found = told(own := images.own(), inventory(f"a@{DIGEST}"))
    assert found.documents
    own.close()
    assert images.log.text.getvalue().count("cannot be kept on disk") == 1


@given(st.binary(max_size=8), st.integers(0, 200))
def test_what_is_stored_and_damaged_raises_one_error(junk: bytes, at: int) -> None:
    data = codec.packed((document("a", 3),))
    assert codec.unpacked(data) == (document("a", 3),)
    with suppress(codec.DamagedError):
        codec.unpacked(data[:at] + junk + data[at + len(junk) :])


class Asked:
    """A containerd that says what it is told to say."""

    def __init__(self) -> None:
        self.says: dict[str, str] = {}
        self.times = 0

    def __call__(self, wanted: Mapping[str, str]) -> dict[str, str]:
        self.times += 1
        if "error" in self.says:
            raise OSError(self.says["error"])
        return {key: self.says[key] for key in wanted if key in self.says}


def test_a_container_keeps_the_image_that_it_was_first_known_by(images: Images) -> None:
    asked, now = Asked(), [0.0]
    identities = Identities(asked, images.log, lambda: now[0])
    facts = NodeFacts(
        (), {"c": Container("c", image="app:1"), "p": Container("p", sandbox=True)}, ()
    )
    asked.says = {"c": DIGEST}
    for says in (DIGEST, OTHER):
        asked.says = {"c": says}
        found = identities.told(facts).containers
        assert found["c"].image_digest == f"app:1@{DIGEST}"
        assert found["p"].image_digest == ""
    assert asked.times == 1
    # another container of that name is another one
    found = identities.told(NodeFacts((), {"d": Container("d", image="app:1")}, ())).containers
    assert found["d"].image_digest == ""
    said = Container("e", image="app:1", image_digest=f"app@{OTHER}")
    assert identities.told(NodeFacts((), {"e": said}, ())).containers == {"e": said}


def test_a_containerd_that_does_not_answer_is_asked_ever_more_rarely(images: Images) -> None:
    asked, now = Asked(), [0.0]
    identities = Identities(asked, images.log, lambda: now[0])
    facts = NodeFacts((), {"c": Container("c", image="app:1")}, ())
    asked.says = {"error": "gone"}
    identities.told(facts)
    identities.told(facts)
    assert asked.times == 1
    assert not identities.is_due()
    now[0] = RETRY_SECONDS
    assert identities.is_due()
    identities.told(facts)
    assert not identities.is_due()
    now[0] += MOST_RETRY_SECONDS
    asked.says = {"c": DIGEST}
    assert identities.told(facts).containers["c"].image_digest
    assert images.log.text.getvalue().count("cannot be told") >= 1
