"""Names heard on the wire of a namespace: real TLS handshakes and DNS answers over loopback."""

import os
import select
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.observe.events.errors import SensorError
from aibom.observe.network import packetsocket, sniffer
from aibom.observe.network.sniffer import NameSighting, Sniffer
from tests.formats.net import wire
from tests.observe import netspace

pytestmark = pytest.mark.live

ANSWER = wire.answer(
    wire.name("api.openai.com"),
    wire.record(b"\xc0\x0c", wire.CNAME, wire.name("edge.example.net")),
    wire.record(wire.name("edge.example.net"), wire.A, bytes([162, 159, 140, 245])),
)
HELLO = wire.hello("hub.example").hex()
ENDS = ("10.0.0.2", "10.0.0.3")
ANSWER_HEAD = wire.ip(*ENDS, wire.UDP, wire.udp(53, 40000, ANSWER[:40]))
HELLO_HEAD = wire.ip(*ENDS, wire.TCP, wire.tcp(40000, 443, bytes.fromhex(HELLO)[:120]))


@pytest.fixture
def workload() -> Iterator[netspace.Workload]:
    with netspace.workload() as started:
        yield started


@pytest.fixture
def listening(workload: netspace.Workload) -> Iterator[Sniffer]:
    found = Sniffer()
    try:
        found.watch(workload.namespace)
    except SensorError as error:
        pytest.skip(f"{error.detail}: {error.remedy}")
    try:
        yield found
    finally:
        found.close()


def name_of(workload: netspace.Workload) -> str:
    return os.readlink(workload.namespace)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_every_handshake_is_heard_once_and_its_data_never(
    workload: netspace.Workload, listening: Sniffer, address: str
) -> None:
    ends = workload.ask("tls", address, "Api.Anthropic.com", 20)
    host, namespace = "api.anthropic.com", name_of(workload)
    heard = listening.read()
    assert heard == [NameSighting(host, address, port, at, "SNI", namespace) for at, port in ends]
    assert listening.lost == 0


def test_only_hellos_leave_the_kernel(workload: netspace.Workload, listening: Sniffer) -> None:
    workload.ask("tls", "127.0.0.1", "hub.example", 5)
    workload.ask("send", "127.0.0.1", b"GET / HTTP/1.1\r\n\r\n".hex(), 5)
    (opened,) = listening._sockets.values()
    statistics = opened.getsockopt(263, 6, 8)  # PACKET_STATISTICS: packets, drops
    assert int.from_bytes(statistics[:4], "little") == 5


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_a_dns_answer_is_heard_once(
    workload: netspace.Workload, listening: Sniffer, address: str, kind: str
) -> None:
    assert workload.ask("dns", address, ANSWER.hex(), kind)
    (heard,) = listening.read()
    assert heard == ("api.openai.com", "162.159.140.245", 0, "", "DNS", name_of(workload))


def test_what_is_heard_is_waited_for_with_select(
    workload: netspace.Workload, listening: Sniffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert select.select([listening], [], [], 0)[0] == []
    monkeypatch.setattr(sniffer, "MAX_PACKETS_EACH", 5)
    workload.ask("send", "127.0.0.1", HELLO, 12)
    counts = []
    while select.select([listening], [], [], 0)[0]:
        counts.append(len(listening.read()))
    assert counts == [5, 5, 2]
    assert listening.read() == []


def test_what_there_was_no_room_for_is_counted(
    workload: netspace.Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packetsocket, "QUEUE", 1)  # the kernel makes it its least
    found = Sniffer()
    try:
        name = found.watch(workload.namespace)
    except SensorError as error:
        found.close()
        pytest.skip(f"{error.detail}: {error.remedy}")
    workload.ask("send", "127.0.0.1", HELLO, 50)
    heard = len(found.read())
    assert 0 < heard < 50
    assert found.lost == 50 - heard
    found.forget(name)
    found.close()
    assert found.lost == 50 - heard


def test_hostile_bytes_are_read_past(workload: netspace.Workload, listening: Sniffer) -> None:
    for cut in (6, 20, 60, 100):
        workload.ask("send", "127.0.0.1", HELLO[: 2 * cut], 1)
        workload.ask("send", "127.0.0.1", HELLO[: 2 * cut] + "ff" * 8000, 1)
    for data in (b"", b"\xff" * 12, ANSWER[:20] + b"\xc0" * 3000):
        for kind in ("udp", "tcp"):
            workload.ask("dns", "127.0.0.1", data.hex() or "00", kind)
    assert listening.read() == []
    workload.ask("send", "127.0.0.1", HELLO, 1)
    assert [heard.host for heard in listening.read()] == ["hub.example"]


def test_a_namespace_is_listened_in_once_and_left_without_a_trace(
    workload: netspace.Workload, listening: Sniffer
) -> None:
    def sockets_in_there() -> int:
        return len(Path(f"/proc/{workload.pid}/net/packet").read_text().splitlines()) - 1

    name = listening.watch(workload.namespace)
    assert name == name_of(workload)
    assert listening.namespaces == {name}
    assert sockets_in_there() == 1
    listening.forget(name)
    listening.forget(name)
    assert sockets_in_there() == 0
    workload.ask("send", "127.0.0.1", HELLO, 1)
    assert listening.read() == []
    listening.watch(workload.namespace)
    workload.ask("send", "127.0.0.1", HELLO, 1)
    assert len(listening.read()) == 1
    listening.close()
    assert sockets_in_there() == 0


def test_there_is_an_end_to_what_is_listened_in(
    workload: netspace.Workload, listening: Sniffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sniffer, "MAX_NAMESPACES", 1)
    listening.watch(workload.namespace)
    with netspace.workload() as other, pytest.raises(SensorError, match="no more"):
        listening.watch(other.namespace)


def test_without_the_capability_it_says_what_it_takes() -> None:
    # a process of its own becomes an ordinary user, in our own namespace
    child = os.fork()
    if child == 0:
        said = 1
        try:
            if os.geteuid() == 0:
                os.setuid(65534)
            Sniffer().watch("/proc/self/ns/net")
        except SensorError as error:
            said = 0 if "CAP_NET_RAW" in error.remedy and error.detail else 2
        finally:
            os._exit(said)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_process_that_is_gone_is_not_a_sensor_that_fails() -> None:
    found = Sniffer()
    with pytest.raises(FileNotFoundError):
        found.watch(f"/proc/{0x7FFFFFFF}/ns/net")
    found.close()


@given(st.binary(max_size=200), st.sampled_from([b"", ANSWER_HEAD, HELLO_HEAD]))
def test_no_packet_makes_reading_raise(data: bytes, head: bytes) -> None:
    for sighting in sniffer._sightings(head + data, "net:[1]"):
        assert sighting.host.isprintable()
