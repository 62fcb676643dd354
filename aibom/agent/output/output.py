"""The output folder: what the agent found out, in files that are whole whatever happens."""

import errno
import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from aibom.agent.config.settings import Keeping
from aibom.agent.errors import AgentError
from aibom.agent.events import BomStatus, NewBom, NewFinding
from aibom.agent.findingline import finding_line
from aibom.agent.log import Log
from aibom.agent.output.bomfiles import BomFile, bom_id
from aibom.agent.output.boms import BOMS, ENDED, FULL, Boms
from aibom.agent.output.history import prune_ended
from aibom.agent.output.journal import Journal, Line
from aibom.agent.output.jumps import Jumps
from aibom.agent.output.nodefile import SUMMARY, NodeFile
from aibom.agent.output.root import Root
from aibom.agent.output.rotation import prune_parts, recent_ids
from aibom.agent.output.trouble import Trouble
from aibom.types.inventory import Workload

FINDINGS = "findings.jsonl"
#: Bytes at the end of the findings that are searched for what a crash left untold.
_RECENT_BYTES = 64 * 2**20
_DAY = 86_400.0

Clock = Callable[[], float]


class Output:
    """One folder, written by one agent. Only ``check`` raises; what fails is tried again."""

    def __init__(
        self, folder: str, keep: Keeping, node: str, log: Log, clock: Clock = time.time
    ) -> None:
        """Write into ``folder``, of the node that is so called. Nothing is opened yet."""
        self._folder = folder
        self._keep = keep
        self._node = node
        self._clock = clock
        self._jumps = Jumps()
        self._root = Root(folder)
        self._node_file = NodeFile(self._root)
        self._trouble = Trouble(log)
        self._journal = Journal(FINDINGS, self._root, keep, self._trouble)
        self._boms = Boms(self._root, keep, self._trouble, clock)
        self._unsettled: tuple[Workload, ...] | None = None
        self.findings_written = 0

    def check(self) -> None:
        """See to it that the folder can be used, and tidy what a crash left.

        Raises AgentError, and not for a disk that is full.
        """
        try:
            root = self._root()
            root.tidy()
            with root.sub(BOMS) as boms, boms.sub(ENDED) as ended:
                boms.tidy()
                ended.tidy()
            self._journal.open()
        except BlockingIOError:
            raise AgentError(f"--output {self._folder}: another agent writes there") from None
        except OSError as error:
            if error.errno in FULL:  # an agent that ends would not even say so
                self._trouble.note(FINDINGS, error)
                return
            reason = error.strerror
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                reason = "it is a link or no folder: name a folder itself"
            raise AgentError(f"--output {self._folder}: {reason}") from None

    @property
    def error(self) -> str:
        """What cannot be written now, and why, in one line; empty when all is well."""
        return self._trouble.text

    @property
    def failures(self) -> int:
        """How often something could not be written."""
        return self._trouble.count

    @property
    def dropped(self) -> int:
        """Findings and BOMs for which there was no room in memory while the disk took nothing."""
        return self._journal.dropped + self._boms.dropped

    @property
    def boms_written(self) -> int:
        """How many BOMs were written."""
        return self._boms.written

    @property
    def boms(self) -> Mapping[str, BomFile]:
        """The newest BOM of each workload that lives, by key."""
        return self._boms.newest

    def reload(self, keep: Keeping) -> None:
        """Keep so much from now on."""
        self._keep = self._journal.keep = self._boms.keep = keep

    def append(self, new: Sequence[NewFinding]) -> list[str]:
        """Write findings; return the ids of all that are on disk by now and were not before.

        Those that waited for the disk are among them. Called without findings it tries these
        again, and BOMs that wait.
        """
        now = self._clock()
        lines = [Line(one.id, finding_line(one, now).encode()) for one in new]
        written = self._journal.append(lines)
        self.findings_written += len(written)
        self._boms.retry()
        return written

    def reconcile(self, untold: Sequence[NewFinding]) -> list[NewFinding]:
        """Return those findings that are not in the file: a crash kept them from it.

        They are all of them when it cannot be read: told twice is better than never.
        """
        present = self.recent_ids() if untold else set()
        return [one for one in untold if one.id not in present]

    def recent_ids(self) -> set[str]:
        """Return the ids of the findings that were written last; none if they cannot be read."""
        try:
            self._journal.open()
            return recent_ids(self._root(), FINDINGS, self._keep.findings_files, _RECENT_BYTES)
        except OSError as error:
            self._trouble.note(FINDINGS, error)
            return set()

    def bom(
        self,
        workload: Workload,
        text: str,
        status: BomStatus = "running",
        offer: Callable[[NewBom], None] | None = None,
    ) -> NewBom | None:
        """Write a workload's BOM; None when its newest version says the same.

        The last one of a workload that ended is always new. It is returned although the disk did
        not take it yet. It is given to ``offer`` before it is written: an agent that is killed in
        between offers it again, by the same id, when it has started.
        """

        def told(file: BomFile) -> NewBom:
            identifier = bom_id(self._node, workload, file, status)
            return NewBom(identifier, self._node, workload, file.name, text, status)

        def before(file: BomFile) -> None:
            if offer is not None:
                offer(told(file))

        try:
            file = self._boms.put(workload, text, status, before)
        except (OSError, ValueError, RecursionError) as error:
            self._trouble.note(BOMS, error)
            return None
        return told(file) if file is not None else None

    def settle(self, living: Collection[Workload]) -> None:
        """Treat the BOMs of all other workloads as of ones that ended while nobody looked.

        To be called once after a start, when all workloads that live are known.
        """
        self._unsettled = tuple(living)
        self._trouble.contain(BOMS, self._settle)

    def _settle(self) -> None:
        if self._unsettled is not None:
            self._boms.settle(self._unsettled)
            self._unsettled = None

    def summary(self, document: dict[str, Any]) -> None:
        """Write the summary of the node, if it is not what stands there."""
        self._trouble.contain(SUMMARY, lambda: self._node_file.write(document))

    def prune(self, now: float) -> frozenset[str]:
        """Remove what has been kept long enough.

        Returns the keys of workloads whose BOM somebody removed: it is written when it is given
        again, whatever it says. ``now`` is in seconds since the epoch.
        """
        missing: list[frozenset[str]] = []

        def prune() -> None:
            root = self._root()
            prune_parts(root, FINDINGS, self._keep.findings_files)
            days = self._keep.gone_days
            if self._jumps.settled(now, days * _DAY, self._node_file.at_work()):
                self._node_file.note(now)
            else:
                days = math.inf
            with root.sub(BOMS) as boms, boms.sub(ENDED) as ended:
                prune_ended(boms, ended, now, days)
            self._settle()
            missing.append(self._boms.forget_missing())

        self._trouble.contain("older files", prune)
        return missing[0] if missing else frozenset()

    def close(self) -> None:
        """Close everything; what is used again is opened again."""
        self._journal.close()
        self._root.close()
