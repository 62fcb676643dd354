"""Images in folders and archives, whole and broken: what is read, and what is said otherwise."""

import contextlib
import gzip
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aibom.formats.containers import oci
from aibom.formats.containers.contents import Artifact, Image
from aibom.formats.containers.oci import Platform
from aibom.sources import images, layers
from aibom.sources.archive import Archive
from aibom.sources.errors import SourceError
from aibom.sources.imagenames import is_image
from aibom.sources.layers import zstd
from tests.imagemaking import (
    LAYER,
    Store,
    descriptor,
    digest,
    entry,
    hardlink,
    layer,
    saved,
    symlink,
    tar_of,
)

AMD64 = Platform("linux", "amd64")
BASE = layer({"etc/os-release": b"ID=debian\n", "a/b": b"one", "a/gone": b"two", "l": "a"})
TOP = layer({"a/.wh.gone": b"", "l/c": b"three", "empty": b""})
FILES = {"/etc/os-release", "/a/b", "/a/c", "/empty"}


def keep(path: str, size: int) -> bool:
    return path.endswith("os-release") and size < 100


def read(path: object, platform: Platform | None = AMD64) -> Image:
    (found,) = images.contents(str(path), platform, keep)
    assert isinstance(found, Image)
    return found


def says(path: object, message: str, platform: Platform | None = AMD64) -> None:
    with pytest.raises(SourceError, match=message) as raised:
        list(images.contents(str(path), platform, keep))
    assert "\n" not in str(raised.value)


def as_layout(store: Store, path: Path) -> str:
    return store.write(path / "layout")


def as_archive(store: Store, path: Path) -> str:
    (path / "image.tar").write_bytes(store.archive())
    return str(path / "image.tar")


def as_gzip(store: Store, path: Path) -> str:
    (path / "image.tgz").write_bytes(gzip.compress(store.archive(), 1))
    return str(path / "image.tgz")


def as_zstd(store: Store, path: Path) -> str:
    (path / "image.zst").write_bytes(zstd.compress(store.archive()))
    return str(path / "image.zst")


WAYS = pytest.mark.parametrize("write", [as_layout, as_archive, as_gzip, as_zstd])


@WAYS
@pytest.mark.parametrize("packed", [False, True])
def test_an_image(write: Callable[[Store, Path], str], packed: bool, tmp_path: Path) -> None:
    store = Store()
    made = store.image([BASE, TOP], name="v1", packed=packed)
    path = write(store, tmp_path)
    assert is_image(path)
    found = read(path)
    files = dict(found.tree.files())
    assert set(files) == FILES
    assert files["/a/c"].sha256 == digest(b"three")[7:]
    assert (files["/a/c"].layer, files["/a/b"].layer, files["/a/c"].size) == (1, 0, 5)
    assert files["/etc/os-release"].content == b"ID=debian\n"
    assert files["/a/b"].content is None
    assert found.name == "v1"
    assert made["digest"] in found.digests
    assert found.notes == ()


@pytest.mark.parametrize("packed", [False, True])
def test_what_docker_saves(packed: bool, tmp_path: Path) -> None:
    path = tmp_path / "saved.tar"
    path.write_bytes(saved([BASE, TOP], packed=packed))
    found = read(path)
    assert {p for p, _ in found.tree.files()} == FILES
    assert (found.name, found.form) == ("local.test/x:1", "docker archive")
    # of the manifest there is no digest, only of the configuration
    assert len(found.digests) == 1
    assert read(f"{path}:local.test/x:1").digests == found.digests
    says(f"{path}:other:1", "no such image; it has local.test/x:1")


def test_a_layer_of_zstd_with_a_table_of_contents(tmp_path: Path) -> None:
    # zstd:chunked and eStargz of zstd have frames that are skipped, before or after
    skipped = b"\x50\x2a\x4d\x18\x04\0\0\0abcd"
    store = Store()
    config = {"os": "linux", "rootfs": {"diff_ids": [digest(BASE), digest(TOP)]}}
    blobs = [zstd.compress(BASE) + skipped, skipped + zstd.compress(TOP)]
    listed = [store.add(blob, f"{LAYER}+zstd") for blob in blobs]
    store.entry(
        {"schemaVersion": 2, "config": store.add_json(config, oci.CONFIG), "layers": listed}
    )
    assert {p for p, _ in read(as_layout(store, tmp_path)).tree.files()} == FILES


def test_one_of_several_images(tmp_path: Path) -> None:
    store = Store()
    store.image([BASE], name="one")
    store.image([TOP], name="two")
    store.image([TOP], name="arm", platform={"os": "linux", "architecture": "arm64"})
    path = as_layout(store, tmp_path)
    says(path, "several images for linux/amd64: one, two")
    assert set(dict(read(f"{path}:two").tree.files())) == {"/empty", "/l/c"}
    assert read(path, Platform("linux", "arm64")).name == "arm"
    says(f"{path}:three", "no image three; there is arm, one, two")
    says(path, "no image for linux/s390x", Platform("linux", "s390x"))
    assert read(f"{path}:{store.index[0]['digest']}").name == "one"


def test_an_image_for_another_platform(tmp_path: Path) -> None:
    store = Store()
    store.image([BASE], platform={"os": "linux", "architecture": "other"})
    path = as_layout(store, tmp_path)
    assert read(path, None).config.platform.architecture == "other"
    # resolved by its name alone, its configuration still says what it is for
    says(path, "is for linux/other, not for linux/amd64")


def test_indexes_in_one_another(tmp_path: Path) -> None:
    store = Store()
    inner = store.image([BASE])
    for _ in range(2):
        nested = {"schemaVersion": 2, "manifests": [inner]}
        inner = store.add_json(nested, oci.INDEX)
    store.index = [inner]
    found = read(as_layout(store, tmp_path / "a"))
    assert len(found.digests) == 4
    for _ in range(2):
        inner = store.add_json({"schemaVersion": 2, "manifests": [inner]}, oci.INDEX)
    store.index = [inner]
    says(as_layout(store, tmp_path / "b"), "more than 4 indexes")


def damaged(change: Callable[[Store], None]) -> Store:
    store = Store()
    store.image([BASE, TOP], packed=True)
    change(store)
    return store


def blob(store: Store, media_type: str) -> str:
    """Return the digest of the first layer, of the configuration, or of the manifest."""
    manifest = json.loads(store.blobs[store.index[0]["digest"]])
    found = {"layer": manifest["layers"][0], "config": manifest["config"]}
    return str(found.get(media_type, store.index[0])["digest"])


@WAYS
@pytest.mark.parametrize("which", ["layer", "config", "manifest"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-1] + b"\xff", "another digest|damaged|not to"),
        (lambda data: data[:-9], "ends after|damaged"),
        (lambda data: data + b"x", "longer than"),
        (None, "no blobs/|No such file"),
    ],
)
def test_a_blob_that_is_not_what_was_promised(
    write: Callable[[Store, Path], str],
    which: str,
    change: Callable[[bytes], bytes] | None,
    message: str,
    tmp_path: Path,
) -> None:
    store = damaged(lambda _: None)
    name = blob(store, which)
    if change is None:
        del store.blobs[name]
    else:
        store.blobs[name] = change(store.blobs[name])
    says(write(store, tmp_path), message)


def test_a_layer_that_is_not_the_configurations(tmp_path: Path) -> None:
    store = Store()
    store.image([BASE], diff_ids=[digest(TOP)])
    says(as_layout(store, tmp_path / "a"), "unpacks to sha256:.*, not to sha256:")
    store = Store()
    store.image([BASE], diff_ids=[digest(BASE), digest(TOP)])
    says(as_layout(store, tmp_path / "b"), "1 layers, of which the configuration says 2")
    path = tmp_path / "saved.tar"
    path.write_bytes(saved([BASE]).replace(b"/layer.tar", b"/Layer.tar"))
    says(path, "no tar header|no [0-9a-f]{64}")


def bomb(pack: Callable[[bytes], bytes], tmp_path: Path) -> str:
    data = tar_of(entry("zeros", bytes(40 << 20)))
    store = Store()
    config = {"os": "linux", "rootfs": {"diff_ids": [digest(data)]}}
    listed = [store.add(pack(data), LAYER)]
    store.entry(
        {"schemaVersion": 2, "config": store.add_json(config, oci.CONFIG), "layers": listed}
    )
    return as_layout(store, tmp_path)


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
def test_a_layer_that_is_a_bomb(
    pack: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bomb(pack, tmp_path)
    read(path)
    monkeypatch.setattr(layers, "FREE_LAYER", 1 << 20)
    says(path, "becomes more than")
    monkeypatch.setattr(layers, "FREE_LAYER", 1 << 40)
    monkeypatch.setattr(layers, "FREE_IMAGE", 1 << 20)
    says(path, "becomes more than")


def test_an_archive_that_is_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.tgz"
    path.write_bytes(gzip.compress(tar_of(entry("zeros", bytes(40 << 20)))))
    monkeypatch.setattr(layers, "FREE_IMAGE", 1 << 20)
    says(path, "becomes more than")


def test_entries_that_lead_nowhere_are_noted(tmp_path: Path) -> None:
    hostile = tar_of(
        entry("a/../../etc/shadow", b"root"),
        entry("../../etc/shadow", b"root"),
        symlink("out", "/etc"),
        symlink("up", "../../../.."),
        entry("up/etc/inside", b"in"),
        hardlink("stolen", "../../etc/shadow"),
        hardlink("none", "missing"),
        entry("dev", kind=b"3"),
    )
    store = Store()
    store.image([hostile])
    found = read(as_layout(store, tmp_path))
    assert {p for p, _ in found.tree.files()} == {"/etc/inside"}
    (note,) = found.notes
    assert note.startswith("4 entries lead nowhere in the image: a/../../etc/shadow, ")
    assert found.tree.followed("/out/passwd") is None


def test_names_from_the_root_on(tmp_path: Path) -> None:
    store = Store()
    store.image([tar_of(entry("/etc/os-release", b"x"), hardlink("/b", "/etc/os-release"))])
    files = dict(read(as_layout(store, tmp_path)).tree.files())
    assert set(files) == {"/etc/os-release", "/b"}
    assert files["/etc/os-release"].content == b"x"


def test_links_in_an_archive(tmp_path: Path) -> None:
    # docker wrote a link where two images have the same layer
    name = f"{digest(BASE)[7:]}/layer.tar"
    made = saved([BASE])
    with_link = made.replace(b"\0" * 1024, b"", 0)
    path = tmp_path / "linked.tar"
    path.write_bytes(with_link)
    assert read(path)
    archive = Archive(str(path))
    assert name in archive
    for target, wrong in (("../x/layer.tar", "no "), ("self", "no file"), ("/etc/passwd", "no ")):
        path.write_bytes(tar_of(symlink("d/self", target), entry("e", b"")))
        with pytest.raises(SourceError, match=wrong):
            Archive(str(path)).open("d/self")
    path.write_bytes(tar_of(entry("x/layer.tar", b"1"), symlink("d/l", "../x/layer.tar")))
    assert Archive(str(path)).open("d/l").read() == b"1"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (tar_of(entry("a", b"b")), "an archive of no image"),
        (layer({"index.json": b"{}"}), "index.json: schema version"),
        (layer({"manifest.json": b"{}"}), "manifest.json: not the list"),
        (layer({"index.json": b"x" * (5 << 20)}), "larger than 4 MiB"),
        (tar_of(entry("index.json", b"1"), entry("./index.json", b"2")), "two members index.json"),
        (layer({"manifest.json": b'[{"Config": "/etc/passwd", "Layers": []}]'}), "no /etc/passwd"),
        (tar_of(entry("a", b"b" * 600))[:1000], "ends within"),
    ],
)
def test_archives_of_no_image(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(data)
    says(path, message)


def test_what_is_no_image_is_left_to_others(tmp_path: Path) -> None:
    (tmp_path / "sbom.json").write_text("{}")
    (tmp_path / "sbom.json.gz").write_bytes(gzip.compress(b"{}" * 5000))
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "gz").write_bytes(b"\x1f\x8b\x08damaged")
    (tmp_path / "folder").mkdir()
    for path in tmp_path.iterdir():
        assert not is_image(str(path))
    assert not is_image(str(tmp_path / "none"))
    assert not is_image("a\0b")


def test_blobs_that_are_no_files(tmp_path: Path) -> None:
    store = Store()
    store.image([BASE])
    path = Path(as_layout(store, tmp_path))
    target = path / "blobs" / store.index[0]["digest"].replace(":", "/")
    target.unlink()
    os.mkfifo(target)
    says(path, "not a regular file")


def test_a_model_is_no_file_system(tmp_path: Path) -> None:
    store = Store()
    weights = b"GGUF" + bytes(100)
    packed = gzip.compress(tar_of(entry("m/model.safetensors", weights), entry("m/empty")))
    manifest = {
        "schemaVersion": 2,
        "artifactType": "application/vnd.cncf.model.manifest.v1+json",
        "config": store.add(b"{}", "application/vnd.cncf.model.config.v1+json"),
        "layers": [
            # what is the file itself is not even looked for
            descriptor(weights, "application/vnd.cncf.model.weight.v1.raw"),
            store.add(packed, "application/vnd.cncf.model.weight.v1.tar+gzip"),
        ],
    }
    store.entry(manifest)
    (found,) = images.contents(as_layout(store, tmp_path), AMD64, keep)
    assert isinstance(found, Artifact)
    ((_, files),) = found.files.items()
    assert next((f.path, f.sha256) for f in files) == ("m/model.safetensors", digest(weights)[7:])


SAVED = saved([BASE, TOP])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_raises_nothing_else(data: st.DataObject, tmp_path: Path) -> None:
    broken = bytearray(data.draw(st.sampled_from([SAVED, gzip.compress(SAVED, 1)])))
    broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "x.tar"
    path.write_bytes(broken[: data.draw(st.integers(0, len(broken)))])
    if is_image(str(path)):
        with contextlib.suppress(SourceError):
            list(images.contents(str(path), AMD64, keep))


@given(st.binary(max_size=3000), st.integers(1, 700))
def test_a_stream_is_measured_whatever_its_pieces(content: bytes, piece: int) -> None:
    unpacked = layers.Unpacked(io.BytesIO(gzip.compress(content)), "x", 1 << 20)
    while unpacked.read(piece):
        continue
    assert (unpacked.diff_id, unpacked.count) == (digest(content), len(content))
