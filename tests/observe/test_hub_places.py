"""Where caches say that files came from: caches laid out on disk, and caches that mislead."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aibom.observe.host import rootdir
from aibom.observe.host.live import LiveHost
from aibom.observe.hubs import huggingface, reader
from aibom.observe.hubs.found import Found
from aibom.observe.hubs.places import HubPlaces
from aibom.observe.models import modelfile
from aibom.types.files import FileFacts, FileKey, Origin
from aibom.types.modelfiles import HubPlace, HubSource

pytestmark = pytest.mark.skipif(not rootdir.supported(), reason="the kernel lacks openat2")

CONTENT = b"the weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
GIT_BLOB = b"blob %d\0" % len(CONTENT) + CONTENT
SHA1 = hashlib.sha1(GIT_BLOB, usedforsecurity=False).hexdigest()
C1, C2 = "1" * 40, "2" * 40


def facts(path: Path, sha256: str = SHA256, size: int = len(CONTENT)) -> FileFacts:
    key = FileKey(1, 1, size, 0, 0)
    return FileFacts(os.path.realpath(path), key, Origin("host"), sha256)


def places(git_hash: str = "") -> HubPlaces:
    return HubPlaces(LiveHost(), os.getpid(), lambda _: git_hash)


def find(path: Path, **options: str) -> HubPlace | None:
    found = places(**options).find(facts(path))
    return found.place if found is not None else None


def write(path: Path, data: bytes | str = CONTENT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def link(repo: Path, commit: str, name: str, blob: Path) -> None:
    path = repo / "snapshots" / commit / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(os.path.relpath(blob, path.parent))


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return tmp_path / "hub"


def test_a_blob_with_its_commits_names_and_branches(hub: Path) -> None:
    repo = hub / "models--org--tiny"
    blob = write(repo / "blobs" / SHA256)
    link(repo, C1, "model.gguf", blob)
    link(repo, C2, "model.gguf", blob)
    link(repo, C2, "onnx/fp16/deep.gguf", blob)
    link(repo, C2, "v1.0/other.gguf", write(repo / "blobs" / ("e" * 64), b"x"))
    write(repo / "refs/main", C2)
    write(repo / "refs/pr/1", C1)
    assert find(blob) == HubPlace(
        "huggingface",
        (
            HubSource("org/tiny", (C1, C2), "model.gguf", ("main", "pr/1")),
            HubSource("org/tiny", (C2,), "onnx/fp16/deep.gguf", ("main",)),
        ),
        promised=f"sha256:{SHA256}",
        verified=True,
    )


def test_neighbours_of_a_blob_stand_in_the_snapshot(hub: Path) -> None:
    repo = hub / "models--org--tiny"
    blob = write(repo / "blobs" / SHA256)
    link(repo, C1, "unet/model.gguf", blob)
    found = places().find(facts(blob))
    assert isinstance(found, Found)
    assert found.folder == os.path.realpath(repo / "snapshots" / C1 / "unet")


def test_content_that_is_not_what_the_cache_promises(hub: Path) -> None:
    blob = write(hub / "models--org--tiny/blobs" / ("e" * 64))
    link(hub / "models--org--tiny", C1, "model.gguf", blob)
    place = find(blob)
    assert place is not None
    assert (place.verified, place.sources[0].commits) == (False, (C1,))


def test_a_small_file_is_known_by_its_git_hash(hub: Path) -> None:
    repo = hub / "models--org--tiny"
    blob = write(repo / "blobs" / SHA1)
    link(repo, C1, "model.onnx", blob)
    good, bad, unknown = find(blob, git_hash=SHA1), find(blob, git_hash="0" * 40), find(blob)
    assert good is not None
    assert (good.promised, good.verified) == (f"git-sha1:{SHA1}", True)
    assert bad == unknown == replace(good, verified=False)
    large = places(SHA1).find(facts(blob, size=17 << 20))
    assert large is not None
    assert not large.place.verified


def test_a_snapshot_without_links_has_its_promise_in_the_listing(hub: Path) -> None:
    repo = hub / "models--org--tiny"
    model = write(repo / "snapshots" / C1 / "sub/model.gguf")
    plain = find(model)
    assert plain is not None
    assert (plain.promised, plain.verified) == ("", False)
    files = {"sub/model.gguf": {"size": 1, "blob_id": "0" * 40, "lfs_sha256": SHA256}}
    write(repo / "trees" / f"{C1}.json", json.dumps({"format_version": 1, "files": files}))
    listed = find(model)
    assert listed == HubPlace(
        "huggingface",
        (HubSource("org/tiny", (C1,), "sub/model.gguf"),),
        promised=f"sha256:{SHA256}",
        verified=True,
    )


def shared(hub: Path, *names: str) -> Path:
    xet = "ab" + "9" * 62
    store = write(hub / "blobs/ab" / xet)
    for name in names:
        blob = hub / f"models--{name}" / "blobs" / SHA256
        blob.parent.mkdir(parents=True)
        blob.symlink_to(f"../../blobs/ab/{xet}")
        link(blob.parent.parent, C1, "model.gguf", blob)
    write(store.with_name(f"{xet}.refs"), "".join(f"models--{n}/blobs/{SHA256}\n" for n in names))
    return store


def test_all_repositories_of_a_shared_blob_are_named(hub: Path) -> None:
    place = find(shared(hub, "org--one", "other--two"))
    assert place is not None
    assert [s.repository for s in place.sources] == ["org/one", "other/two"]
    assert {s.commits for s in place.sources} == {(C1,)}
    assert place.verified


def test_a_list_of_references_is_only_a_hint(hub: Path) -> None:
    store = shared(hub, "org--one")
    with store.with_name(f"{store.name}.refs").open("a") as refs:
        refs.write(f"models--big--name/blobs/{SHA256}\nmodels--org--two/blobs/{SHA256}\n")
    write(hub / "models--org--two/blobs" / SHA256)
    place = find(store)
    assert place is not None
    assert [s.repository for s in place.sources] == ["org/one"]
    store.with_name(f"{store.name}.refs").unlink()
    assert find(store) is None


def test_data_sets_and_downloads_in_flight(hub: Path) -> None:
    blob = write(hub / "datasets--org--set/blobs" / f"{SHA256}.0123abcd.incomplete", b"half")
    place = find(blob)
    assert place is not None
    assert (place.kind, place.partial) == ("dataset", True)
    assert place.sources == (HubSource("org/set"),)
    local = write(hub / f".cache/huggingface/download/x.{SHA256}.incomplete")
    flight = find(local)
    assert flight is not None
    assert (flight.partial, flight.promised) == (True, f"sha256:{SHA256}")


def test_a_local_folder_knows_commit_and_digest_and_no_repository(tmp_path: Path) -> None:
    model = write(tmp_path / "local/sub/model.gguf")
    record = tmp_path / "local/.cache/huggingface/download/sub/model.gguf.metadata"
    write(record, f"{C1}\n{SHA256}\n1712656091.1\n")
    source = HubSource("", (C1,), "sub/model.gguf")
    promised = f"sha256:{SHA256}"
    assert find(model) == HubPlace("huggingface", (source,), promised=promised, verified=True)
    write(record, "")
    assert find(model) is None


def test_ollama_by_its_manifests(tmp_path: Path) -> None:
    store = tmp_path / "models"
    blob = write(store / "blobs" / f"sha256-{SHA256}")
    nameless = find(blob)
    assert nameless is not None
    assert (nameless.sources, nameless.claim, nameless.verified) == ((), "names", True)
    manifest = json.dumps({"layers": [{"digest": f"sha256:{SHA256}"}]})
    version = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    write(store / "manifests/registry.ollama.ai/library/smollm2/135m", manifest)
    write(store / "manifests/hf.co/org/x-GGUF/Q4", manifest)
    write(store / "manifests/registry.ollama.ai/library/other/latest", '{"layers": []}')
    listed = write(store / "blobs" / f"sha256-{'5' * 64}", manifest)
    listing = json.dumps({"manifests": [{"digest": f"sha256:{'5' * 64}"}]})
    named = write(store / "manifests-v2/ollama.com/me/list/latest", listing)
    place = find(blob)
    assert place is not None
    assert (place.hub, place.claim, place.verified) == ("ollama", "records", True)
    assert place.sources == (
        HubSource("hf.co/org/x-GGUF", (version,), "", ("Q4",)),
        HubSource(
            "me/list", (f"sha256:{hashlib.sha256(listing.encode()).hexdigest()}",), "", ("latest",)
        ),
        HubSource("smollm2", (version,), "", ("135m",)),
    )
    assert listed.exists()
    assert named.exists()


def test_blobs_of_another_program_are_not_ollamas(tmp_path: Path) -> None:
    assert find(write(tmp_path / "store/blobs" / f"sha256-{SHA256}")) is None


def test_modelscope_by_layout_and_by_index(tmp_path: Path) -> None:
    newer = write(tmp_path / "ms/models/Qwen--Qwen3-0.6B/snapshots/master/model.gguf")
    place = find(newer)
    assert place is not None
    assert place.hub == "modelscope"
    source = HubSource("Qwen/Qwen3-0.6B", (), "model.gguf", ("master",))
    assert place.sources == (source,)
    older = write(tmp_path / "ms/hub/models/Qwen/Qwen3-0___6B/model.gguf")
    assert find(older) is None
    write(older.parent / ".msc", b"\x80\x04]\x94.")
    write(older.parent / ".mv", "Revision:master,CreatedAt:1700000000")
    indexed = find(older)
    assert indexed is not None
    assert indexed.sources == (source,)


def test_kaggle_by_name_or_by_mark(tmp_path: Path) -> None:
    below = "models/google/gemma/keras/gemma_2b/3/model.weights.h5"
    other = write(tmp_path / "cache" / below)
    assert find(other) is None
    write(other.parent.with_name("3.complete"), b"")
    marked = find(other)
    assert marked is not None
    assert (marked.hub, marked.claim) == ("kaggle", "records")
    source = HubSource("google/gemma/keras/gemma_2b", ("3",), "model.weights.h5")
    assert marked.sources == (source,)
    named = find(write(tmp_path / "kagglehub" / below))
    assert named == replace(marked, claim="names")


def test_llama_cpp_by_its_records(tmp_path: Path) -> None:
    model = write(tmp_path / "llama.cpp/org_x-GGUF_x-Q4.gguf")
    assert find(model) is None
    entry = {"rfilename": "x-Q4.gguf", "lfs": {"sha256": SHA256}}
    write(model.with_name("manifest=org=x-GGUF=latest.json"), json.dumps({"ggufFile": entry}))
    source = HubSource("org/x-GGUF", (), "x-Q4.gguf", ("latest",))
    place = HubPlace("huggingface", (source,), promised=f"sha256:{SHA256}", verified=True)
    assert find(model) == place
    url = "http://127.0.0.1:9/org/x-GGUF/resolve/main/x-Q4.gguf"
    write(Path(f"{model}.json"), json.dumps({"url": url, "etag": f'"{SHA256}"'}))
    fetched = find(model)
    assert fetched is not None
    assert (fetched.hub, fetched.sources[0].revisions) == ("127.0.0.1:9", ("main",))


def test_the_start_of_a_digest_in_a_name(tmp_path: Path) -> None:
    model = write(tmp_path / f"hub/checkpoints/net-{SHA256[:8]}.pth")
    place = find(model)
    assert place is not None
    assert (place.hub, place.verified, place.claim) == ("torchhub", True, "names")


def test_memory_and_files_elsewhere_have_no_place(tmp_path: Path) -> None:
    assert places().find(replace(facts(tmp_path), path="memfd:model")) is None
    assert find(write(tmp_path / "model.gguf")) is None


class Counting(LiveHost):
    """A host that counts its questions."""

    asked = 0

    def list_in_root(self, pid: int, path: str) -> list[str]:
        self.asked += 1
        return super().list_in_root(pid, path)

    def real_path(self, pid: int, path: str) -> str:
        self.asked += 1
        return super().real_path(pid, path)


@pytest.fixture
def crowded(hub: Path) -> Iterator[Path]:
    """A repository with as many commits as a workload likes; the branch leads to the last one."""
    repo = hub / "models--org--tiny"
    blob = write(repo / "blobs" / SHA256)
    for number in range(1500):
        link(repo, f"{number:040x}", "model.gguf", write(repo / "blobs" / ("e" * 64)))
        (repo / "snapshots" / f"{number:040x}" / "other.gguf").symlink_to("/nowhere")
    link(repo, "f" * 40, "model.gguf", blob)
    write(repo / "refs/main", "f" * 40)
    return blob


def test_a_crowd_of_commits_costs_a_bounded_number_of_questions(crowded: Path) -> None:
    host = Counting()
    look = HubPlaces(host, os.getpid())
    found = look.find(facts(crowded))
    assert found is not None
    assert found.place.sources == (HubSource("org/tiny", ("f" * 40,), "model.gguf", ("main",)),)
    assert host.asked < 4 * huggingface.MAX_COMMITS
    assert [record.reason for record in look.unseen()] == ["too-large"]


def test_files_of_one_repository_share_the_questions(hub: Path) -> None:
    repo = hub / "models--org--tiny"
    blobs = [write(repo / "blobs" / f"{i:064x}") for i in range(20)]
    for i, blob in enumerate(blobs):
        link(repo, C1, f"model-{i:05}.gguf", blob)
    host = Counting()
    one_look = HubPlaces(host, os.getpid())
    for blob in blobs:
        assert one_look.find(facts(blob)) is not None
    assert host.asked < 3 * len(blobs)
    assert list(one_look.unseen()) == []


def test_what_was_not_looked_through_is_said(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = hub / "models--org--tiny"
    blob = write(repo / "blobs" / SHA256)
    for number in range(40):
        link(repo, C1, f"{number}.gguf", repo / "blobs" / ("e" * 64))
    link(repo, C1, "z.gguf", blob)
    monkeypatch.setattr(reader, "FILE_COST", 500)
    cut = places()
    found = cut.find(facts(blob))
    assert found is not None
    assert found.place.sources == (HubSource("org/tiny"),)
    (record,) = cut.unseen()
    assert record.reason == "too-large"
    assert record.subject == f"hub cache of {os.path.realpath(blob)}"


def test_records_that_are_too_large_are_not_read(hub: Path) -> None:
    store = shared(hub, "org--one")
    write(store.with_name(f"{store.name}.refs"), b"models--o--n/blobs/x\n" * 50_000)
    cut = places()
    assert cut.find(facts(store)) is None
    assert [record.reason for record in cut.unseen()] == ["too-large"]


def test_links_that_lead_out_or_in_circles_are_not_followed(hub: Path) -> None:
    repo = hub / "models--org--tiny"
    blob = write(repo / "blobs" / SHA256)
    snapshot = repo / "snapshots" / C1
    link(repo, C1, "model.gguf", blob)
    (snapshot / "up").symlink_to("..")
    (snapshot / "loop").symlink_to("loop")
    (snapshot / "root").symlink_to("/")
    os.mkfifo(snapshot / "pipe")
    (repo / "refs").mkdir()
    os.mkfifo(repo / "refs/main")
    (repo / "refs/other").symlink_to("/etc/hostname")
    place = find(blob)
    assert place is not None
    assert place.sources == (HubSource("org/tiny", (C1,), "model.gguf"),)


def test_data_by_its_place() -> None:
    blob = f"/h/datasets--org--set/blobs/{SHA256}"
    arrow = f"/h/datasets/org___set/default/0.0.0/{C1}/set-train.arrow"
    kaggled = "/h/kagglehub/datasets/owner/set/versions/1/a.csv"
    assert all(map(modelfile.data_header, (blob, arrow, kaggled)))
    others = (f"/h/models--org--set/blobs/{SHA256}", "/srv/datasets/a.csv", "/h/datasets--o--s/a")
    assert not any(map(modelfile.data_header, others))
