"""Other runs of aibom on the node: they open every model, and use none of them."""

from aibom.formats.procfs import commandline
from aibom.formats.procfs.status import parse_rights
from aibom.observe.host.protocol import Host
from aibom.types.processes import Process

_NAME = "aibom"
_INIT = 1
#: What an aibom in a pod is given, and what would let it end this one.
_RIGHT = "SYS_PTRACE"


def is_colleague(process: Process, host: Host) -> bool:
    """Say whether a process is an aibom that the node's administrator runs.

    Everybody may call a program so. Believed is it of those alone who may end this watch as well,
    and need no name to hide behind: of root outside of containers, and of who may look into any
    process of the node, in the first process's namespaces of processes and of users.
    """
    if process.uid != 0 or not process.placed or not _is_called_aibom(process):
        return False
    place = process.cgroup
    return not (place.container_id or place.pod_uid) or _rules_the_node(process, host)


def _is_called_aibom(process: Process) -> bool:
    run = commandline.parse(process.executable, process.argv)
    return run.module == _NAME or run.script.rpartition("/")[2] == _NAME


def _rules_the_node(process: Process, host: Host) -> bool:
    try:
        rights = parse_rights(host.read(process.pid, "status"))
        own, first = (
            [host.link(pid, f"ns/{kind}") for kind in ("pid", "user")]
            for pid in (process.pid, _INIT)
        )
    except (OSError, ValueError):
        return False  # it has ended, or is out of reach
    return _RIGHT in rights.names and own == first
