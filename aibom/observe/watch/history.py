"""What each process did from its beginning to its end, out of looks and events."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

from aibom.observe.files.recent import NEVER, Recent
from aibom.observe.files.settling import Settle
from aibom.observe.watch.lives import Life
from aibom.observe.watch.record import MAX_CONNECTIONS, Record, began_anew, key_of, merged, tells
from aibom.types.facts import ProcessFacts
from aibom.types.files import Arrival, Written
from aibom.types.modelfiles import ModelUse
from aibom.types.packages import LoadedPackage
from aibom.types.processes import Cgroup, Connection, Process

#: Most kinds of ended processes that are kept; equal ones count as one.
MAX_ENDED = 20_000
#: Seconds after the end of a process in which something may still become known of it.
LINGER_SECONDS = 1.0
#: How the names of files end that are being downloaded.
IN_FLIGHT = (".incomplete", ".part", ".partial", ".crdownload")
#: Most uses of models that are kept of one process.
MAX_USES = 2_000
#: Most uses of models that are kept of all processes of one container or unit, those that ended
#: and had each a command line of their own included: some 10 MB, whatever one of them does.
MAX_USES_OF_PLACE = 10_000
#: Most ways in which one file is said to have arrived.
MAX_ARRIVALS = 8
#: Most files whose arrival is remembered.
MAX_ARRIVED = 5_000

#: What names a file for as long as it lasts: its file system and handle, or device and inode.
FileName = tuple[bytes, bytes] | tuple[int, int]


class History:
    """Collects what was seen of processes, and keeps it when they have ended."""

    def __init__(self, matters: Callable[[ProcessFacts], bool]) -> None:
        """Keep those ended processes that ``matters`` is true of."""
        self._matters = matters
        self._records: dict[Life, Record] = {}
        self._ending: dict[Life, float] = {}
        self._ended: dict[tuple[object, ...], Record] = {}
        self.arrivals: dict[Written, tuple[Arrival, ...]] = {}
        # of each file, by what names it for as long as it lasts, how it was written last
        self._written: Recent[FileName, Written] = Recent(MAX_ARRIVED, NEVER)
        # how many uses are kept of each place, or more; and which have no room for any
        self._crowds: Counter[Cgroup] = Counter()
        self._full: set[Cgroup] = set()
        self.dropped = 0
        self.changes = 0
        self._changed_since: float | None = None

    def note_change(self) -> None:
        """Take note that there is something new."""
        self.changes += 1
        if self._changed_since is None:
            self._changed_since = time.monotonic()

    def told(self) -> float | None:
        """Return since when there are changes, by the monotonic clock, and begin anew."""
        since, self._changed_since = self._changed_since, None
        return since

    def _record(self, life: Life) -> Record:
        record = self._records.get(life)
        process = replace(life.process, placed=life.placed)
        if record is None:
            record = self._records[life] = Record(process, program_ns=life.exec_ns)
        elif began_anew(record, life) and (record.look is not None or record.uses):
            # it began another program: what it did before was the first one's
            self._fold(record)
            record = self._records[life] = Record(process, program_ns=life.exec_ns)
        else:
            record.process = process
            record.program_ns = life.exec_ns
        return record

    def look(self, life: Life, facts: ProcessFacts) -> None:
        """Take what a look at a living process gave."""
        # what is being downloaded is told by its arrival, when it is whole
        whole = tuple(u for u in facts.models if not u.model.file.path.endswith(IN_FLIGHT))
        facts = replace(facts, models=whole)
        record = self._record(life)
        record.moments.note_look(facts)
        if record.look is None or record.look != facts:
            record.look = facts if record.look is None else merged(record.look, facts)
            self.note_change()

    def written(self) -> set[str]:
        """Return the paths of the model files that were written."""
        records = (*self._ended.values(), *self._records.values())
        return {path for r in records for path, kind, *_ in r.uses if kind == "written"}

    def containers(self) -> set[str]:
        """Return the containers of all processes that are remembered."""
        records = (*self._ended.values(), *self._records.values())
        return {record.process.cgroup.container_id for record in records}

    def is_busy(self, life: Life) -> bool:
        """Say whether a process has to do with models, so that it is worth a look more often."""
        record = self._records.get(life)
        if record is None:
            return False
        return bool(record.uses or (record.look and (record.look.models or record.look.binaries)))

    def use(self, life: Life, use: ModelUse, own_opens: int = 0) -> None:
        """Take the use of a model that an event told of.

        ``own_opens`` is how many opens that were told before were those of this write.
        """
        record = self._record(life)
        known = key_of(use) in record.uses
        if not known and (len(record.uses) >= MAX_USES or not self._has_room(record)):
            self.dropped += 1
            return
        record.moments.note((use.model.file.path, use.use.kind))
        if own_opens:
            file = (use.model.file.path, use.model.file.key.inode)
            record.own_opens[file] = record.own_opens.get(file, 0) + own_opens
        record.put(use)
        if not known:
            self._crowds[record.process.cgroup] += 1
            self.note_change()

    def _has_room(self, record: Record) -> bool:
        """Say whether another use may be kept, after what ended first has made room for it."""
        place = record.process.cgroup
        if self._crowds[place] < MAX_USES_OF_PLACE:
            return True
        if place in self._full:
            return False
        living = (r for r in self._records.values() if r.process.cgroup == place)
        ended = {like: r for like, r in self._ended.items() if r.process.cgroup == place}
        held = sum(len(r.uses) for r in (*living, *ended.values()))
        for likeness, former in ended.items():
            # some at once, so that this is not to be done for each use
            if held <= MAX_USES_OF_PLACE * 3 // 4:
                break
            del self._ended[likeness]
            held -= len(former.uses)
            self.dropped += 1
        self._crowds[place] = held
        if held >= MAX_USES_OF_PLACE:
            self._full.add(place)
        return place not in self._full

    def settle(self, settle: Settle) -> None:
        """Take digests that have become known, of what has ended as well."""
        records = [*self._records.values(), *self._ended.values()]
        settled = [record for record in records if record.settle(settle)]
        if settled:
            self.note_change()
            # what differed in that alone is alike now
            ended, self._ended = self._ended, {}
            for record in ended.values():
                self._keep(record)

    def packages(self, life: Life, loaded: Iterable[LoadedPackage]) -> None:
        """Take the packages whose code a process opened."""
        record = self._record(life)
        loaded = list(loaded)
        record.moments.note(*((one.file.path, one.how) for one in loaded))
        for one in loaded:
            if one.package.location not in record.packages:
                record.packages[one.package.location] = one
                self.note_change()

    def installed(self, life: Life, one: LoadedPackage) -> None:
        """Take a package that a process installed."""
        record = self._record(life)
        record.moments.note((one.file.path, one.how))
        if one.package.location not in record.installed:
            record.installed[one.package.location] = one
            self.note_change()

    def connect(self, life: Life, connection: Connection) -> None:
        """Take a connection that was heard on the wire."""
        record = self._record(life)
        if connection not in record.connections and len(record.connections) < MAX_CONNECTIONS:
            record.connections[connection] = None
            self.note_change()

    def arrived(self, name: FileName, file: Written, arrival: Arrival) -> None:
        """Take who wrote a file, or gave it its name; ``name`` is its file system and handle.

        Where there is no handle, it is its device and inode.
        """
        before = self._written.get(name)
        self._written.put(name, file)
        known = self.arrivals.get(before, ()) if before is not None else ()
        if arrival not in known:
            known = (*known, arrival)[:MAX_ARRIVALS]
        if self.arrivals.get(file) == known:
            return
        self._put_arrivals(file, known)
        # in a container it may be a layer's file, which has no device of its own (see FileKey)
        layered = file._replace(device=0)
        others = self.arrivals.get(layered, ())
        self._put_arrivals(layered, tuple(dict.fromkeys((*others, *known)))[:MAX_ARRIVALS])
        self.note_change()

    def _put_arrivals(self, key: Written, arrivals: tuple[Arrival, ...]) -> None:
        if key not in self.arrivals and len(self.arrivals) >= 2 * MAX_ARRIVED:
            del self.arrivals[next(iter(self.arrivals))]
        self.arrivals[key] = arrivals

    def end(self, life: Life) -> None:
        """Take the end of a process; what it wrote may still settle."""
        if life in self._records:
            self._ending.setdefault(life, time.monotonic() + LINGER_SECONDS)

    def tidy(self, *, everything: bool = False) -> None:
        """Keep what ended processes did, if it matters; equal ones become one."""
        now = time.monotonic()
        self._full.clear()
        due = [life for life, until in self._ending.items() if everything or until <= now]
        for life in due:
            del self._ending[life]
            record = self._records.pop(life)
            record.process = replace(record.process, placed=life.placed)
            self._fold(record)

    def _fold(self, record: Record) -> None:
        if not tells(record.facts()) and not self._matters(record.facts()):
            return
        record.ended = time.monotonic()
        self._keep(record)

    def _keep(self, record: Record) -> None:
        likeness = record.likeness()
        known = self._ended.get(likeness)
        if known is not None:
            known.add(record)
            known.ended = max(known.ended, record.ended)
            return
        if len(self._ended) >= MAX_ENDED:
            # the oldest has been told of for longest
            del self._ended[next(iter(self._ended))]
            self.dropped += 1
        self._ended[likeness] = record

    def forget(self, before: float) -> None:
        """Forget processes whose last like ended ``before``, by the monotonic clock.

        What they used that is still being hashed is kept until that is done.
        """
        self._ended = {
            likeness: record
            for likeness, record in self._ended.items()
            if record.ended >= before or record.is_pending()
        }
        self._crowds.clear()
        for record in (*self._ended.values(), *self._records.values()):
            self._crowds[record.process.cgroup] += len(record.uses)

    def facts(self, covers: Callable[[Process], bool]) -> tuple[ProcessFacts, ...]:
        """Return everything that was seen of the processes that ``covers`` is true of."""
        records = (*self._ended.values(), *self._records.values())
        found = [r.facts() for r in records if covers(r.process)]
        return tuple(sorted(found, key=lambda f: (f.process.pid, f.process.start_ticks)))
