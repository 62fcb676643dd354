"""Origins by mounts and layers, and the ways to forge one."""

from dataclasses import replace
from typing import Any, cast

import pytest

from aibom.formats.procfs.mountinfo import MountTable, parse
from aibom.observe.files.origin import origin_of
from aibom.observe.host.protocol import FileStat, Host
from aibom.types.files import FileKey, FileUse, Origin, OriginKind
from aibom.types.processes import Cgroup
from tests import make

TABLE = parse(
    b"36 35 0:50 / / rw - overlay overlay rw,lowerdir=/c/snapshots/3/fs:/c/snapshots/1/fs,"
    b"upperdir=/c/snapshots/4/fs,workdir=/w\n"
    b"37 36 8:1 /var/lib/kubelet/pods/0d0e5b5e-37bc-4ff5-9c3f-9b8b9c1e2f3a/volumes/"
    b"kubernetes.io~empty-dir/models /models rw - ext4 /dev/sda1 rw\n"
    b"38 36 8:1 /var/lib/kubelet/pods/u/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw\n"
    b"39 36 0:60 / /dev/shm rw - tmpfs shm rw\n"
    b"40 36 8:1 /home/me /work rw - ext4 /dev/sda1 rw\n"
)
HOST_TABLE = parse(b"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n")
KEY = FileKey(0, 7, 10, 20, 30)
SAME = FileStat(9, 7, 10, 20, 30, 1, regular=True)
OTHER = FileStat(9, 8, 10, 20, 31, 1, regular=True)
WHITEOUT = replace(OTHER, regular=False)
CONTAINED = make.process(cgroup=Cgroup("c" * 64))


class Layers:
    """A host that knows a mount table and what lies in which layer."""

    def __init__(self, table: MountTable, **layers: FileStat) -> None:
        self._table = table
        self._layers = {f"/c/snapshots/{name[1:]}/fs": found for name, found in layers.items()}

    def mounts(self, pid: int) -> MountTable:
        assert pid
        return self._table

    def stat_in_layer(self, layer: str, path: str, runtime: int | None) -> FileStat | None:
        assert path.startswith("/")
        assert runtime is not None
        return self._layers.get(layer)


def origin(path: str, table: MountTable = TABLE, runtime: int | None = 5, **fields: Any) -> Origin:
    layers = {n: fields.pop(n) for n in ("s1", "s3", "s4") if n in fields}
    process = fields.pop("process", CONTAINED)
    use = FileUse(path, "mapped", "map_files/0-1", fields.pop("device", "0:50"), 7, **fields)
    return origin_of(cast("Host", Layers(table, **layers)), process, use, KEY, runtime)


def layer(kind: OriginKind, number: int) -> Origin:
    return Origin(kind, f"snapshot {number}", f"/c/snapshots/{number}/fs/m")


@pytest.mark.parametrize(
    ("path", "fields", "expected"),
    [
        ("/m", {"s1": SAME}, layer("image-layer", 1)),
        (
            "/m",
            {"s3": SAME, "s1": OTHER},
            layer("image-layer", 3),
        ),
        (
            "/m",
            {"s4": OTHER, "s1": SAME},
            replace(layer("writable-layer", 4), replaces="snapshot 1"),
        ),
        ("/m", {"s4": OTHER}, layer("writable-layer", 4)),
        (
            "/m",
            {"s4": OTHER, "s3": WHITEOUT, "s1": SAME},
            layer("writable-layer", 4),
        ),
        ("/m", {"s1": SAME, "deleted": True}, Origin("deleted", "overlay")),
        ("/memfd:x", {"device": "0:1"}, Origin("memory", "memfd:x")),
        ("/dev/shm/x", {"device": "0:60"}, Origin("memory", "dev/shm/x")),
    ],
)
def test_layers_and_memory(path: str, fields: dict[str, Any], expected: Origin) -> None:
    assert origin(path, **fields) == expected


def test_volumes_are_named() -> None:
    found = origin("/models/a.gguf", device="8:1")
    assert (found.kind, found.detail) == ("volume", "empty-dir models")
    assert found.host_path.endswith("kubernetes.io~empty-dir/models/a.gguf")
    found = origin("/work/a.gguf", device="8:1")
    assert (found.kind, found.detail, found.host_path) == (
        "volume", "bind of /home/me", "/home/me/a.gguf",
    )  # fmt: skip


def test_older_kernels_show_the_device_of_the_layer() -> None:
    """Before Linux 6.8 maps name the disk that holds the layer, which also holds /etc/hosts."""
    assert origin("/usr/lib/x.so", device="8:1", s1=SAME).kind == "image-layer"


def test_another_file_at_the_same_path_of_a_layer_vouches_for_nothing() -> None:
    assert origin("/hostname", s1=OTHER).kind == "unknown"


def test_an_overlay_that_no_runtime_made_has_no_image_layers() -> None:
    assert origin("/m", runtime=None, s1=SAME).kind == "unknown"


def test_a_host_process_has_no_image() -> None:
    process = make.process()
    found = origin("/opt/m.gguf", HOST_TABLE, device="8:1", process=process)
    assert found == Origin("host", "", "/opt/m.gguf")
