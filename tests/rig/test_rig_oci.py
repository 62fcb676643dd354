"""Image layouts: what is in them, and that the same input gives the same digest."""

import hashlib
import io
import json
import os
import socket
import tarfile
from pathlib import Path

import pytest

from rig.layer import Folder, Layer, Link
from rig.oci import Config, build, describe

CONFIG = Config(("/bin/app",), {"B": "2", "A": "1"})


def blobs(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {
            member.name: file.read()
            for member in tar
            if (file := tar.extractfile(member)) is not None
        }


def layer_of(archive: Path, number: int = 0) -> tarfile.TarFile:
    content = blobs(archive)
    digest = describe(archive).layers[number].removeprefix("sha256:")
    return tarfile.open(fileobj=io.BytesIO(content[f"blobs/sha256/{digest}"]))


def one_layer(tmp_path: Path, layer: Layer) -> tarfile.TarFile:
    build(tmp_path / "image.tar", "local.test/x:1", [layer], CONFIG)
    return layer_of(tmp_path / "image.tar")


def test_same_input_gives_the_same_bytes_whatever_the_order_and_the_times(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    first = build(tmp_path / "1.tar", "local.test/x:1", [{"b": b"b", "a/script": script}], CONFIG)
    os.utime(script, (1, 1))
    script.chmod(0o700)
    second = build(tmp_path / "2.tar", "local.test/x:1", [{"/a/script": script, "b": b"b"}], CONFIG)
    assert first.digest == second.digest
    assert (tmp_path / "1.tar").read_bytes() == (tmp_path / "2.tar").read_bytes()


def test_other_content_gives_another_digest(tmp_path: Path) -> None:
    first, second = (
        build(tmp_path / f"{content}.tar", "local.test/x:1", [{"a": content.encode()}], CONFIG)
        for content in ("1", "2")
    )
    assert first.digest != second.digest
    assert first.layers != second.layers


def test_every_descriptor_matches_its_blob(tmp_path: Path) -> None:
    image = build(tmp_path / "i.tar", "local.test/x:1", [{"a": b"1"}, {"b": b"2"}], CONFIG)
    content = blobs(tmp_path / "i.tar")
    (entry,) = json.loads(content["index.json"])["manifests"]
    assert entry["annotations"] == {"io.containerd.image.name": "local.test/x:1"}
    manifest = json.loads(content[f"blobs/{image.digest.replace(':', '/')}"])
    for descriptor in (entry, manifest["config"], *manifest["layers"]):
        blob = content[f"blobs/{descriptor['digest'].replace(':', '/')}"]
        assert descriptor["digest"] == f"sha256:{hashlib.sha256(blob).hexdigest()}"
        assert descriptor["size"] == len(blob)
    config = json.loads(content[f"blobs/{manifest['config']['digest'].replace(':', '/')}"])
    assert config["rootfs"]["diff_ids"] == list(image.layers)
    assert config["config"]["Env"] == ["A=1", "B=2"]


def test_describe_returns_what_build_returned(tmp_path: Path) -> None:
    image = build(tmp_path / "i.tar", "local.test/x:1", [{"a": b"1"}, {"b": b"2"}], CONFIG)
    assert describe(tmp_path / "i.tar") == image


def test_a_folder_goes_in_with_everything_in_it(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "sub" / "file").write_bytes(b"content")
    (source / "link").symlink_to("sub/file")
    (source / "sticky").mkdir()
    (source / "sticky").chmod(0o1777)
    layer = one_layer(tmp_path, {"/": source, "opt/copy": source / "sub"})
    assert layer.getnames() == [
        "link",
        "opt",
        "opt/copy",
        "opt/copy/file",
        "sticky",
        "sub",
        "sub/file",
    ]
    assert layer.getmember("link").linkname == "sub/file"
    assert layer.getmember("sticky").mode == 0o1777
    file = layer.extractfile("opt/copy/file")
    assert file is not None
    assert file.read() == b"content"


def test_links_folders_and_owners_are_written_as_given(tmp_path: Path) -> None:
    layer = one_layer(tmp_path, {"lib": Link("usr/lib"), "tmp": Folder(0o1777), "usr/lib/x": b""})
    assert layer.getmember("lib").issym()
    assert layer.getmember("lib").linkname == "usr/lib"
    assert layer.getmember("tmp").mode == 0o1777
    assert layer.getmember("usr").isdir()
    assert {(member.uid, member.gid, member.mtime) for member in layer} == {(0, 0, 0)}


def test_a_path_below_a_link_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="lib/x lies below lib"):
        one_layer(tmp_path, {"lib": Link("usr/lib"), "lib/x": b""})


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        with pytest.raises(ValueError, match="neither file, folder nor link"):
            one_layer(tmp_path, {"s": tmp_path / "s"})


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        one_layer(tmp_path, {"a": tmp_path / "missing"})
    assert list(tmp_path.iterdir()) == []
