"""Other runs of aibom on the node: they open every model, and use none of them."""

from aibom.formats.procfs import commandline
from aibom.types.processes import Process

_NAME = "aibom"


def is_colleague(process: Process) -> bool:
    """Say whether a process is an aibom that the node's administrator runs.

    Everybody may call a program so. Believed is it of root outside of containers alone, who may
    end this watch as well and needs no name to hide behind.
    """
    place = process.cgroup
    if process.uid != 0 or not process.placed or place.container_id or place.pod_uid:
        return False
    run = commandline.parse(process.executable, process.argv)
    return run.module == _NAME or run.script.rpartition("/")[2] == _NAME
