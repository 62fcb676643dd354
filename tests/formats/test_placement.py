"""From a stored file to the path that a mount namespace shows: layers, binds, hidden mounts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.procfs.mountinfo import Mount, MountTable, parse
from aibom.formats.procfs.placement import Placed, Placement

HOST = parse(
    b"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /var/lib/containerd rw - xfs /dev/sda2 rw\n"
)
VOLUME = "/var/lib/kubelet/pods/u/volumes/kubernetes.io~empty-dir/m"
SNAPSHOTS = b"/var/lib/containerd/snapshots"
CONTAINER = parse(
    b"36 35 0:50 / / rw - overlay overlay rw,lowerdir=/var/lib/containerd/snapshots/3/fs:"
    b"/var/lib/containerd/snapshots/1/fs,upperdir=/var/lib/containerd/snapshots/4/fs,workdir=/w\n"
    b"37 36 8:1 /var/lib/kubelet/pods/u/volumes/kubernetes.io~empty-dir/m /models rw - ext4 d rw\n"
    b"38 36 8:1 /var/lib/kubelet/pods/u/etc-hosts /etc/hosts rw - ext4 d rw\n"
    b"39 36 0:60 / /dev/shm rw - tmpfs shm rw\n"
    + f"40 37 8:1 {VOLUME}/sub /again rw - ext4 d rw\n".encode()
)


def placed(table: MountTable, device: str, path: str, outside: MountTable = HOST) -> Placed | None:
    return Placement(table, outside).find(device, path)


@pytest.mark.parametrize(
    ("device", "path", "shown", "layer", "writable"),
    [
        # layers lie on the file system that is mounted at containerd's folder, by its own paths
        ("8:2", "/snapshots/1/fs/models/a.gguf", "/models/a.gguf", "", None),
        ("8:2", "/snapshots/1/fs/opt/a.gguf", "/opt/a.gguf", "1", False),
        ("8:2", "/snapshots/3/fs/opt/a.gguf", "/opt/a.gguf", "3", False),
        ("8:2", "/snapshots/4/fs/tmp/late.gguf", "/tmp/late.gguf", "4", True),
        ("8:2", "/snapshots/4/fs", "/", "4", True),
        ("8:1", f"{VOLUME}/b.gguf", "/models/b.gguf", "", False),
        ("8:1", VOLUME, "/models", "", False),
        # the folder that was mounted for the file wins over one further up
        ("8:1", f"{VOLUME}/sub/c.gguf", "/again/c.gguf", "", False),
        ("8:1", "/var/lib/kubelet/pods/u/etc-hosts", "/etc/hosts", "", False),
        ("0:60", "/x", "/dev/shm/x", "", False),
    ],
)
def test_where_a_stored_file_is_seen(
    device: str, path: str, shown: str, layer: str, writable: bool | None
) -> None:
    found = placed(CONTAINER, device, path)
    if writable is None:
        assert found is None  # a volume is mounted over this folder of the image
        return
    assert found is not None
    assert (found.path, found.writable) == (shown, writable)
    assert found.layer == (f"{SNAPSHOTS.decode()}/{layer}/fs" if layer else "")


@pytest.mark.parametrize(
    ("device", "path"),
    [
        ("8:2", "/snapshots/2/fs/opt/a.gguf"),  # another image's layer
        ("8:2", "/snapshots/11/fs/a.gguf"),  # its name begins like that of a layer
        ("8:2", "/snapshots/1"),
        ("8:1", "/home/me/a.gguf"),  # of the host's root, which the container does not see
        ("8:1", VOLUME + "2/a.gguf"),
        ("9:9", "/a.gguf"),
        ("0:50", "relative"),
    ],
)
def test_what_a_container_does_not_see(device: str, path: str) -> None:
    assert placed(CONTAINER, device, path) is None


def test_an_overlays_own_device_names_paths_as_the_container_does() -> None:
    # an event never bears it, but a handle that was resolved may
    found = placed(HOST, "8:1", "/a.gguf")
    assert found == Placed("/a.gguf", HOST.mounts[0])
    assert not found.writable


def test_a_file_below_a_later_mount_is_not_seen_there() -> None:
    table = parse(
        b"1 0 8:1 / / rw - ext4 a rw\n"
        b"2 1 8:2 / /mnt rw - ext4 b rw\n"
        b"3 1 8:3 / /mnt rw - ext4 c rw\n"
        b"4 1 8:2 /deep /elsewhere rw - ext4 b rw\n"
    )
    assert placed(table, "8:1", "/mnt/a") is None
    assert placed(table, "8:2", "/a") is None
    assert placed(table, "8:3", "/a") == Placed("/mnt/a", table.mounts[2])
    # hidden at one place, seen at another
    assert placed(table, "8:2", "/deep/a") == Placed("/elsewhere/a", table.mounts[3])


def test_the_most_specific_bind_that_is_hidden_leaves_the_one_above() -> None:
    table = parse(
        b"1 0 8:1 / / rw - ext4 a rw\n"
        b"2 1 8:1 /srv/models /mnt rw - ext4 a rw\n"
        b"3 1 0:9 / /mnt rw - tmpfs t rw\n"
    )
    assert placed(table, "8:1", "/srv/models/a") == Placed("/srv/models/a", table.mounts[0])


def test_subvolumes_have_a_root_of_their_own() -> None:
    # btrfs: what is mounted on / is the subvolume /@, and the layers lie in /@/var/lib
    host = parse(b"1 0 0:30 /@ / rw - btrfs /dev/sda1 rw,subvol=/@\n")
    table = parse(b"36 35 0:50 / / rw - overlay o rw,lowerdir=/var/lib/l1,upperdir=/var/lib/u\n")
    assert placed(host, "0:30", "/@/m/a.gguf") == Placed("/m/a.gguf", host.mounts[0])
    assert placed(host, "0:30", "/@") == Placed("/", host.mounts[0])
    assert placed(host, "0:30", "/@home/a.gguf") is None
    found = placed(table, "0:30", "/@/var/lib/l1/a.gguf", host)
    assert found == Placed("/a.gguf", table.mounts[0], "/var/lib/l1")


def test_an_overlay_on_an_overlay_shows_what_the_inner_one_stores() -> None:
    # a runtime inside a container: its snapshots lie in the outer container's writable layer,
    # and the file system below all of them is what events tell of
    node = parse(b"1 0 8:1 / / rw - ext4 a rw\n")
    outer = parse(b"36 35 0:50 / / rw - overlay o rw,lowerdir=/s/1,upperdir=/s/2\n")
    inner = parse(b"46 45 0:70 / / rw - overlay o rw,lowerdir=/in/1,upperdir=/in/2\n")
    assert placed(outer, "8:1", "/s/2/in/1/a", node) == Placed("/in/1/a", outer.mounts[0], "/s/2")
    found = placed(inner, "0:50", "/in/1/a", outer)
    assert found == Placed("/a", inner.mounts[0], "/in/1")


def test_an_overlay_whose_layers_nobody_can_find_shows_nothing() -> None:
    table = parse(b"36 35 0:50 / / rw - overlay o rw\n")
    assert placed(table, "8:1", "/a") is None
    table = parse(b"36 35 0:50 / / rw - overlay o rw,lowerdir=/s/1,upperdir=/s/2\n")
    assert placed(table, "8:1", "/s/1/a", parse(b"")) is None


def test_an_overlay_beside_the_root() -> None:
    table = parse(
        b"1 0 8:1 / / rw - ext4 a rw\n"
        b"2 1 0:50 / /merged rw - overlay o rw,lowerdir=/low,upperdir=/up,workdir=/w\n"
    )
    found = placed(table, "8:1", "/low/a", table)
    # the mount that was made for the file comes before the folder that it is stored in
    assert found == Placed("/merged/a", table.mounts[1], "/low")
    assert placed(table, "8:1", "/other/a", table) == Placed("/other/a", table.mounts[0])


NAMES = st.sampled_from(["a", "b", "ab", "a b", "fs"])
PATHS = st.lists(NAMES, max_size=4).map(lambda parts: "/" + "/".join(parts))
DEVICES = st.sampled_from(["8:1", "8:2", "0:9"])


@st.composite
def mounts(draw: st.DrawFn) -> Mount:
    number = draw(st.integers(1, 99))
    point = draw(PATHS)
    if draw(st.booleans()):
        return Mount(number, draw(DEVICES), draw(PATHS), point, "ext4", "x", {})
    options = {"lowerdir": ":".join(draw(st.lists(PATHS, max_size=3))), "upperdir": draw(PATHS)}
    return Mount(number, f"0:{100 + number}", "/", point, "overlay", "o", options)


TABLES = st.lists(mounts(), max_size=6).map(MountTable)


@given(TABLES, TABLES, DEVICES, PATHS)
def test_what_is_found_is_shown_by_the_mount_that_it_names(
    inside: MountTable, outside: MountTable, device: str, path: str
) -> None:
    found = placed(inside, device, path, outside)
    if found is None:
        return
    assert found.path.startswith("/")
    assert "//" not in found.path
    assert inside.at(found.path) is found.mount
    below = found.path[len(found.mount.point.rstrip("/")) :].rstrip("/")
    if found.layer:
        # through the overlay and its layer one comes back to the very file
        assert found.mount.overlay
        stored = (found.layer.rstrip("/") + below) or "/"
        under = outside.at(found.layer)
        assert under is not None
        assert under.device == device
        rest = stored[len(under.point.rstrip("/")) :]
        assert (under.root.rstrip("/") + rest).rstrip("/") == path.rstrip("/")
    else:
        assert found.mount.device == device
        assert (found.mount.root.rstrip("/") + below).rstrip("/") == path.rstrip("/")


@given(st.lists(PATHS, min_size=1, max_size=4), PATHS)
def test_a_plain_mount_shows_every_file_below_its_folder(roots: list[str], below: str) -> None:
    table = MountTable(
        Mount(n, "8:1", root, f"/mnt/{n}", "ext4", "x", {}) for n, root in enumerate(roots)
    )
    path = (roots[0].rstrip("/") + below).rstrip("/") or "/"
    found = placed(table, "8:1", path)
    assert found is not None
    assert found.path.startswith("/mnt/")


_FOLDERS = st.lists(st.sampled_from(["a", "b", "fs"]), max_size=4).map(lambda p: "/" + "/".join(p))


def _plainly(table: MountTable, device: str, path: str) -> Placed | None:
    """Try every mount in turn, the most specific first."""
    mounts = [m for m in table.mounts if m.device == device]
    for mount in sorted(mounts, key=lambda m: -len(m.root)):
        prefix = mount.root.rstrip("/")
        if path == prefix or path.startswith(prefix + "/") or not prefix:
            shown = mount.point.rstrip("/") + path[len(prefix) :].rstrip("/")
            if table.at(shown) is mount:
                return Placed(shown or "/", mount)
    return None


@given(
    st.lists(st.tuples(st.sampled_from(["8:1", "8:2"]), _FOLDERS, _FOLDERS), max_size=8),
    st.sampled_from(["8:1", "8:2", "8:3"]),
    _FOLDERS,
)
def test_looking_up_folders_finds_what_trying_every_mount_finds(
    mounts: list[tuple[str, str, str]], device: str, path: str
) -> None:
    lines = [
        f"{number} 1 {of} {root} {point} rw - ext4 d rw\n"
        for number, (of, root, point) in enumerate(mounts, 2)
    ]
    table = parse("".join(lines).encode())
    assert placed(table, device, path) == _plainly(table, device, path)
