"""What the kernel, the network and a container runtime tell."""

from functools import partial
from typing import Any

from aibom.formats import http1, protobuf
from aibom.formats.bolt import Database
from aibom.formats.containers import containerd, containerdrun, cri
from aibom.formats.events import fanotify, proc
from aibom.formats.net import dns, hostname, netlink, packets, sockdiag, tlshello
from aibom.formats.source import FormatError
from rig.fuzz.target import Strict, Target, drained, of_bytes

_SOCK_DIAG = 20  # SOCK_DIAG_BY_FAMILY, linux/sock_diag.h


def _packet(data: bytes) -> None:
    segment = packets.parse(data)
    if segment is not None:
        tlshello.read_server_name(segment.payload)
        dns.read_answer(segment.payload)


def _dump(data: bytes) -> None:
    for payload in netlink.read_dump(data, _SOCK_DIAG).payloads:
        sockdiag.parse_inet(payload, "tcp")
        sockdiag.parse_unix(payload)


def _payload(data: bytes) -> None:
    sockdiag.parse_inet(data, "tcp")
    sockdiag.parse_unix(data)
    drained(netlink.attributes(data, 0))


def _bolt(data: bytes) -> None:
    database = Database(Strict(data))
    for name in containerd.names(database):
        containerd.target(database, name)
    containerdrun.images_of(database, {"a" * 64: "docker.io/library/a:1"})


def _listed(data: bytes) -> None:
    containers, _, sandboxes = data.partition(b"\0\0sandboxes\0\0")
    cri.parse(containers, sandboxes)


def _both(arguments: dict[str, Any]) -> bytes | None:
    return bytes(arguments["containers"] + b"\0\0sandboxes\0\0" + arguments["sandboxes"])


TARGETS = (
    of_bytes("tls-hello", tlshello.read_server_name),
    of_bytes("dns", dns.read_answer, seeds=(b"\0\1\x81\x80\0\1\0\1\0\0\0\0\1a\0\0\1\0\1",)),
    of_bytes("hostname", hostname.host_name),
    Target("packet", _packet, (packets.parse,)),
    of_bytes("http1", http1.parse),
    Target("netlink", _dump, (netlink.read_dump,), (netlink.DumpError,)),
    Target("sock-diag", _payload, (sockdiag.parse_inet, sockdiag.parse_unix, netlink.attributes)),
    of_bytes("process-event", proc.parse, partial(proc.answer, number=1)),
    of_bytes("fanotify", fanotify.parse),
    of_bytes("protobuf", protobuf.fields, protobuf.varints, allowed=(FormatError,)),
    Target("cri", _listed, (cri.parse,), (FormatError,), encode=_both),
    Target(
        "bolt",
        _bolt,
        (containerd.target, containerd.names, containerdrun.images_of, Database.__init__),
        (FormatError,),
        encode=lambda arguments: _whole(arguments.get("source")),
    ),
)


def _whole(source: Any) -> bytes | None:
    return None if source is None else bytes(source.read(0, source.size))
