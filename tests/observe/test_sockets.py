"""Connections and socket pairs of real processes, asked of the kernel in their namespace."""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from aibom.formats.net.sockdiag import InetSocket
from aibom.observe.host.live import LiveHost
from aibom.observe.host.recorded import RecordedHost
from aibom.observe.host.recording import RecordingHost
from aibom.observe.network import peers
from aibom.observe.network.sockets import from_procfs
from aibom.types.processes import Connection
from tests.observe import netspace

pytestmark = pytest.mark.live


@pytest.fixture
def workload() -> Iterator[netspace.Workload]:
    with netspace.workload() as started:
        yield started


def wanted(held: dict[str, tuple[int, str, str]]) -> dict[int, Connection]:
    return {
        inode: Connection(local, remote, protocol="udp" if state == "udp" else "tcp")
        for state, (inode, local, remote) in held.items()
        if state != "udp without another end"
    }


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_every_socket_that_tells_something_is_seen(
    workload: netspace.Workload, address: str
) -> None:
    held = workload.ask("hold", address)
    found = LiveHost().sockets(workload.pid)
    expected = wanted(held)
    assert {inode: found[inode] for inode in expected} == expected
    assert held["udp without another end"][0] not in found


def test_both_ways_of_asking_agree(
    workload: netspace.Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    workload.ask("hold", "127.0.0.1")
    workload.ask("hold", "::1")
    host = LiveHost()
    found = host.sockets(workload.pid)

    def denied(_: str) -> NoReturn:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(peers, "connections", denied)
    assert len(found) >= 12
    assert host.sockets(workload.pid) == found


def test_a_namespace_with_too_many_sockets_is_refused(
    workload: netspace.Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(workload)
    workload.ask("hold", "127.0.0.1")
    monkeypatch.setattr(peers, "MAX_SOCKETS", 3)
    with pytest.raises(OSError, match="more than 3 sockets"):
        peers.connections(workload.namespace)


def test_a_socket_knows_its_cgroup(workload: netspace.Workload) -> None:
    (mount,) = [
        line.split()[4]
        for line in Path("/proc/self/mountinfo").read_text().splitlines()
        if " - cgroup2 " in line
    ][:1] or [""]
    lines = Path(f"/proc/{workload.pid}/cgroup").read_text().splitlines()
    place = next((line[3:] for line in lines if line.startswith("0::")), "")
    if not mount or not Path(mount + place).is_dir():
        pytest.skip("no cgroup2 hierarchy is mounted here")
    enter(workload)
    held = workload.ask("hold", "127.0.0.1")
    inode = held["established"][0]
    found = {f.inode: f for f in peers.inet_sockets(workload.namespace)}
    if not found[inode].cgroup:
        pytest.skip("this kernel does not say the cgroup of a socket (Linux 5.7)")
    assert found[inode] == InetSocket(inode, wanted(held)[inode], os.stat(mount + place).st_ino)


def enter(workload: netspace.Workload) -> None:
    try:
        peers.socket_peers(workload.namespace)
    except PermissionError as error:
        pytest.skip(f"another network namespace may not be entered: {error}")


def test_a_recording_answers_as_the_node_did(workload: netspace.Workload, tmp_path: Path) -> None:
    held = workload.ask("hold", "127.0.0.1")
    recording = RecordingHost(LiveHost(), str(tmp_path))
    found = recording.sockets(workload.pid)
    recording.save({workload.pid}, ())
    assert RecordedHost(str(tmp_path / "proc")).sockets(workload.pid) == found
    assert wanted(held).items() <= found.items()


def test_a_recording_without_the_answer_is_read_as_procfs(tmp_path: Path) -> None:
    recording = RecordingHost(LiveHost(), str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = from_procfs(lambda name: recording.read(os.getpid(), name))
        recording.save({os.getpid()}, ())
        replayed = RecordedHost(str(tmp_path / "proc")).sockets(os.getpid())
        port = listener.getsockname()[1]
        assert replayed[os.fstat(listener.fileno()).st_ino] == Connection(f"127.0.0.1:{port}")
    assert replayed == found


def test_a_process_that_is_gone_raises() -> None:
    with pytest.raises(FileNotFoundError):
        LiveHost().sockets(0x7FFFFFFF)


def test_socket_pairs_name_each_other() -> None:
    one, other = socket.socketpair()
    with one, other:
        first, second = os.fstat(one.fileno()).st_ino, os.fstat(other.fileno()).st_ino
        found = LiveHost().socket_peers(os.getpid())
        assert (found[first], found[second]) == (second, first)


def test_nothing_stays_open(workload: netspace.Workload) -> None:
    before = os.listdir("/proc/self/fd")
    LiveHost().sockets(workload.pid)
    assert os.listdir("/proc/self/fd") == before
    # a thread that has ended may take a moment to leave the process
    while other_threads_in(workload.namespace):
        os.sched_yield()


def other_threads_in(namespace: str) -> bool:
    inode = os.stat(namespace).st_ino
    found = set()
    for thread in os.listdir("/proc/self/task"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found.add(os.stat(f"/proc/self/task/{thread}/ns/net").st_ino)
    return inode in found
