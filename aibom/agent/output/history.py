"""Older versions of BOMs, and how long those of ended workloads stay."""

import re

from aibom.agent.folder import Folder
from aibom.report.filenames import BOM_SUFFIX

HISTORY = "history"
#: BOMs of ended workloads that are kept at most: a job each minute is ten thousand in a week.
MOST_ENDED = 1000
_DAY = 86_400.0
_VERSION = re.compile(r"(\d{6,15})" + re.escape(BOM_SUFFIX), re.ASCII)


def put_aside(boms: Folder, folder: Folder, name: str, own: str, versions: int) -> None:
    """Keep what ``folder`` has as ``name`` as the last of the older versions of ``own``.

    They are numbered, as clocks jump. Raises OSError.
    """
    now = folder.file(name)
    if now is None or not versions:
        return
    with boms.sub(HISTORY) as history, history.sub(own) as older:
        kept = _versions(older)
        last = older.file(kept[-1]) if kept else None
        # a writer that was killed may have put it aside and not have replaced it
        if last is None or (last.st_dev, last.st_ino) != (now.st_dev, now.st_ino):
            number = int(kept[-1].partition(".")[0]) + 1 if kept else 1
            kept.append(f"{number:06}{BOM_SUFFIX}")
            folder.copy(name, older, kept[-1])
        for former in kept[:-versions]:
            older.remove(former)


def _versions(older: Folder) -> list[str]:
    found = [name for name in older.names() if _VERSION.fullmatch(name)]
    return sorted(found, key=lambda name: int(name.partition(".")[0]))


def prune_ended(boms: Folder, ended: Folder, now: float, days: float) -> None:
    """Remove BOMs of workloads that ended more than ``days`` before ``now``, history and all.

    A file that is dated in the future has not expired. Raises OSError.
    """
    found = []
    for name in ended.names():
        file = ended.file(name)
        if file is not None and name.endswith(BOM_SUFFIX):
            found.append((file.st_mtime, name))
    found.sort(reverse=True)
    for number, (when, name) in enumerate(found):
        if number >= MOST_ENDED or now - when > days * _DAY:
            with boms.sub(HISTORY) as history:
                history.remove(name.removesuffix(BOM_SUFFIX))
            ended.remove(name)
