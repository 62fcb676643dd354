"""Processes and their containers, and whom they can act as."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Stream:
    """One end of a pipe or socket that a process holds.

    ``inode`` names the pipe or the socket; for a pipe both ends bear the same number. ``peer``
    is the inode of the other end of a UNIX socket pair, where it could be asked for.
    """

    kind: Literal["pipe", "socket"]
    inode: int
    descriptor: int
    reads: bool
    writes: bool
    peer: int | None = None


@dataclass(frozen=True, slots=True, order=True)
class Connection:
    """A TCP or connected UDP socket of a process. Without a ``remote`` end it listens.

    Else it is connected, connecting, or closed by the remote end only. ``host`` is the name of
    the remote end, where it was seen, and ``named_by`` says where: ``DNS``, ``SNI`` or
    ``request``. ``request`` is the method and path of a request that was seen; then ``local`` is
    empty, and ``remote`` is as well where it could be any of several connections.
    """

    local: str
    remote: str = ""
    host: str = ""
    named_by: str = ""
    protocol: Literal["tcp", "udp"] = "tcp"
    request: str = ""


@dataclass(frozen=True, slots=True)
class Cgroup:
    """What the path of a process's cgroup says of its place.

    ``runtime`` is the prefix that the runtime gave (``cri-containerd``, ``crio``, ``docker``,
    ``libpod``) or empty. ``unit`` is the systemd unit outside containers.
    """

    container_id: str = ""
    pod_uid: str = ""
    runtime: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Process:
    """One process at the moment of the sweep. ``start_ticks`` tells a reused pid from the first.

    ``argv`` has secrets removed. ``root`` is the process's root directory as seen by aibom
    (``/`` inside a container, another path after chroot). ``environment`` holds an allowlist of
    variables only. ``placed`` is false where ``cgroup`` is a guess: it ended too soon to be asked.
    """

    pid: int
    start_ticks: int
    parent: int
    session: int
    uid: int
    comm: str
    executable: str
    argv: tuple[str, ...]
    cwd: str
    root: str
    mount_namespace: str
    network_namespace: str
    cgroup: Cgroup
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    placed: bool = True


@dataclass(frozen=True, slots=True)
class Container:
    """A container as its runtime describes it; empty strings where the runtime was not asked.

    ``source`` says who told: ``bundle``, ``cri`` or ``cgroup``.
    """

    id: str
    source: str = "cgroup"
    name: str = ""
    pod_name: str = ""
    pod_namespace: str = ""
    pod_uid: str = ""
    image: str = ""
    image_digest: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    sandbox: bool = False


IdentityKind = Literal[
    "kubernetes-service-account",
    "aws-role",
    "aws-pod-identity",
    "azure-workload-identity",
    "gcp-service-account",
]


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """Who a process can act as: what is at hand in its place, not what it used.

    ``subject`` is the identity's own name, ``issuer`` who vouches for it, ``source`` the file or
    variable that says so. No token is kept.
    """

    kind: IdentityKind
    subject: str
    issuer: str = ""
    source: str = ""
