"""The text of /proc: tables of what kernels write, and anything else without a crash."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.procfs import cgroup, maps, mountinfo, net, process
from aibom.types.processes import Cgroup, Connection

ID = "3f" * 32
UID = "0d0e5b5e-37bc-4ff5-9c3f-9b8b9c1e2f3a"
UID_ = UID.replace("-", "_")  # as the systemd driver writes it
STATIC_UID = "b9d0c9b1a2f3e4d5c6b7a8f9e0d1c2b3"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"0::/kubepods/burstable/pod{UID}/{ID}", Cgroup(ID, UID)),
        (f"0::/kubepods/pod{UID}/{ID}", Cgroup(ID, UID)),
        (
            f"0::/kubepods.slice/kubepods-burstable-pod{UID_}.slice/cri-containerd-{ID}.scope",
            Cgroup(ID, UID, "cri-containerd"),
        ),
        (f"0::/kubepods.slice/kubepods-pod{UID_}.slice/crio-{ID}.scope", Cgroup(ID, UID, "crio")),
        (
            f"0::/kubepods.slice/kubepods-pod{STATIC_UID}.slice/docker-{ID}.scope",
            Cgroup(ID, STATIC_UID, "docker"),
        ),
        (f"0::/docker/{ID}", Cgroup(ID)),
        (
            f"0::/kubepods.slice/kubepods-besteffort-pod{UID_}.slice:cri-containerd:{ID}",
            Cgroup(ID, UID),
        ),
        (f"0::/system.slice/docker-{ID}.scope", Cgroup(ID, "", "docker")),
        (f"0::/libpod_parent/libpod-{ID}", Cgroup(ID, "", "libpod")),
        (f"0::/machine.slice/libpod-{ID}.scope/container", Cgroup(ID, "", "libpod")),
        (f"0::/kubelet/kubepods/besteffort/pod{UID}/{ID}", Cgroup(ID, UID)),
        (f"0::/docker/{'ab' * 32}/kubelet/kubepods/pod{UID}/{ID}", Cgroup(ID, UID)),
        (f"0::/../../pod{UID}/{ID}", Cgroup(ID, UID)),
        (f"0::/../cri-containerd-{ID}.scope", Cgroup(ID, "", "cri-containerd")),
        (f"12:memory:/kubepods/pod{UID}/{ID}\n0::/", Cgroup(ID, UID)),
        (f"0::/system.slice/crio-conmon-{ID}.scope", Cgroup()),
        ("0::/system.slice/ollama.service", Cgroup(unit="ollama.service")),
        (
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/chat.service",
            Cgroup(unit="chat.service"),
        ),
        ("0::/", Cgroup()),
        ("9:name=systemd:/\n0::/", Cgroup()),
        ("", Cgroup()),
        (f"0::/podman/{ID[:63]}", Cgroup()),
    ],
)
def test_cgroup_paths(line: str, expected: Cgroup) -> None:
    assert cgroup.parse(line.encode()) == expected


MAPS = rb"""55d1c0a00000-55d1c0a01000 r--p 00000000 08:01 131 /usr/bin/python3.11
55d1c0a01000-55d1c0b01000 r-xp 00001000 08:01 131                        /usr/bin/python3.11
7f0000000000-7f0000100000 rw-p 00000000 00:00 0 
7f0000200000-7f0000300000 r--s 00000000 00:2a 77                         /models/my model.gguf (deleted)
7f0000300000-7f0000400000 r--s 00000000 00:01 9                          /memfd:w (deleted)
7f0000400000-7f0000500000 r--p 00000000 103:02 12 /a\012b
7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0                          [stack]
garbage
"""  # noqa: E501, W291


def test_maps() -> None:
    found = maps.parse(MAPS)
    assert [(m.path, m.device, m.inode, m.deleted, m.executable) for m in found] == [
        ("/usr/bin/python3.11", "8:1", 131, False, True),
        ("/models/my model.gguf", "0:42", 77, True, False),
        ("/memfd:w", "0:1", 9, True, False),
        ("/a\nb", "259:2", 12, False, False),
    ]
    assert found[0].ranges == "55d1c0a00000-55d1c0a01000"


MOUNTS = (
    b"36 35 98:0 / / rw,noatime shared:1 - overlay overlay"
    b" rw,lowerdir=/c/snapshots/3/fs:/c/snapshots/1/fs,upperdir=/c/snapshots/4/fs,workdir=/w\n"
    b"37 36 0:5 / /proc rw - proc proc rw\n"
    b"38 36 8:1 /var/lib/kubelet/pods/u/volumes/kubernetes.io~empty-dir/with\\040space"
    b" /models rw master:2 - ext4 /dev/sda1 rw\n"
    b"39 36 0:77 / /mnt/fuse rw - fuse.s3fs s3fs rw\n"
    b"40 36 0:78 / /models/deep rw - nfs4 server:/x rw\n"
    b"broken line\n"
)


def test_mountinfo() -> None:
    root, proc, volume, fuse, nfs = mountinfo.parse(MOUNTS).mounts
    assert root.overlay
    assert root.lower() == ("/c/snapshots/3/fs", "/c/snapshots/1/fs")
    assert root.upper() == "/c/snapshots/4/fs"
    assert volume.root.endswith("/with space")
    assert not proc.remote
    assert fuse.remote
    assert nfs.remote


@pytest.mark.parametrize(
    ("path", "point"),
    [
        ("/models/a", "/models"),
        ("/models", "/models"),
        ("/modelsx", "/"),
        ("/models/deep/x", "/models/deep"),
        ("/etc/passwd", "/"),
    ],
)
def test_mount_at(path: str, point: str) -> None:
    found = mountinfo.parse(MOUNTS).at(path)
    assert found is not None
    assert found.point == point


def test_an_overlay_over_a_user_space_file_system_may_block() -> None:
    table = mountinfo.parse(
        b"1 0 8:1 / / rw - ext4 /dev/sda rw\n"
        b"2 1 0:9 / /s3 rw - fuse.s3fs s3 rw\n"
        b"3 1 0:10 / /a rw - overlay o rw,lowerdir=/s3/x:/y,upperdir=/u\n"
        b"4 1 0:11 / /b rw - overlay o rw,lowerdir=/y,upperdir=/u\n"
    )
    devices = ("8:1", "0:9", "0:10", "0:11", "0:99", "8:9")
    assert [table.may_block(d) for d in devices] == [False, True, True, False, True, False]


def test_shortened_layers_are_relative_to_the_snapshots() -> None:
    line = b"1 0 0:9 / / rw - overlay o rw,lowerdir=12/fs:11/fs,upperdir=/c/snapshots/13/fs\n"
    (mount,) = mountinfo.parse(line).mounts
    assert mount.lower() == ("/c/snapshots/12/fs", "/c/snapshots/11/fs")


def test_stat_with_a_hostile_name() -> None:
    line = b"42 (a) S 1) (x) S 7 42 43 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 9999 1 1\n"
    found = process.parse_stat(line)
    assert found.comm == "a) S 1) (x"
    assert (found.parent, found.session, found.start_ticks) == (7, 43, 9999)
    assert not found.kernel_thread


def test_stat_of_a_kernel_thread() -> None:
    line = b"2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 1 0 0\n"
    assert process.parse_stat(line).kernel_thread


def test_stat_cut_off() -> None:
    with pytest.raises(ValueError, match="cut off"):
        process.parse_stat(b"42 (a) S 1 2")


def test_only_allowed_variables_are_read() -> None:
    data = b"PATH=/bin\0SECRET=x\0VIRTUAL_ENV=/venv\0odd\0"
    assert process.parse_environ(data, {"VIRTUAL_ENV"}) == {"VIRTUAL_ENV": "/venv"}


@pytest.mark.parametrize(
    ("flags", "expected"),
    [(b"0100000", (True, False)), (b"01", (False, True)), (b"02", (True, True))],
)
def test_directions_of_descriptors(flags: bytes, expected: tuple[bool, bool]) -> None:
    assert process.parse_fdinfo(b"pos:\t0\nflags:\t" + flags + b"\nmnt_id:\t9\n") == expected


TCP = b"""  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1
   1: 0200000A:0050 0100000A:BEEF 01 00000000:00000000 00:00000000 00000000     0        0 222 1
   2: 0200000A:0050 0100000A:BEEF 06 00000000:00000000 00:00000000 00000000     0        0 333 1
   3: 0000000000000000FFFF00000100007F:1F91 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 444
   4: 00000000000000000000000001000000:1F92 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 555
   5: zz:1 00000000:0000 0A 0:0 0:0 0 0 0 6
"""  # noqa: E501


def test_tcp_sockets() -> None:
    assert net.parse_tcp(TCP) == {
        111: Connection("127.0.0.1:8080"),
        222: Connection("10.0.0.2:80", "10.0.0.1:48879"),
        444: Connection("127.0.0.1:8081"),
        555: Connection("[::1]:8082"),
    }


@given(st.binary(max_size=2000))
def test_nothing_in_proc_makes_the_parsers_raise(data: bytes) -> None:
    cgroup.parse(data)
    maps.parse(data)
    mountinfo.parse(data)
    net.parse_tcp(data)
    process.parse_cmdline(data)
    process.parse_environ(data, {"A"})


@given(st.binary(max_size=300))
def test_a_stat_line_is_read_or_refused(data: bytes) -> None:
    try:
        process.parse_stat(data)
    except ValueError:
        return
    assert b")" in data


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"pos:\t0\nflags:\t0100000\nmnt_id:\t1\n", (True, False)),
        (b"flags:\t02\n", (True, True)),
        (b"flags:\t01", (False, True)),
        (b"flags:\n", (False, False)),
        (b"flags:\t9\n", (False, False)),
        (b"flags:\t02pos:\t0\n", (False, False)),
        (b"", (False, False)),
    ],
)
def test_how_a_descriptor_is_open(data: bytes, expected: tuple[bool, bool]) -> None:
    assert process.parse_fdinfo(data) == expected


def test_endless_paths_of_mounts_cost_little() -> None:
    options = b"lowerdir=" + b"/a" * 500_000
    line = b"1 0 0:9 / / rw - overlay overlay rw," + options
    assert mountinfo.parse(line + b"\n2 1 8:1 / /b rw - ext4 x rw\n").at("/b/c") is not None
    table = mountinfo.parse(b"2 1 8:1 / / rw - ext4 x rw\n")
    assert table.at("/a" * 1_000_000) is table.root
