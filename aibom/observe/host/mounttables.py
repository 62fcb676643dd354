"""Mount tables by their text, so that equal ones are one object and are parsed once."""

import hashlib
import threading
from collections import OrderedDict

from aibom.formats.procfs.mountinfo import MountTable, parse

#: Bytes of text whose tables are kept; parsed they take twice as much. A container's table has
#: some kilobytes, the node's own a hundred and more, and that is another one with each pod.
MAX_BYTES = 1 << 20


class MountTables:
    """Parses the text of /proc/PID/mountinfo, or remembers what it gave."""

    def __init__(self, size: int = MAX_BYTES) -> None:
        """Keep the tables of ``size`` bytes of text, and the newest in any case."""
        self._size = size
        # by the digest of their text, with its length
        self._kept: OrderedDict[bytes, tuple[MountTable, int]] = OrderedDict()
        self._bytes = 0
        # a watch looks in two threads
        self._lock = threading.Lock()

    def of(self, text: bytes) -> MountTable:
        """Return the table that a text describes."""
        digest = hashlib.blake2b(text, digest_size=32).digest()
        with self._lock:
            if digest in self._kept:
                self._kept.move_to_end(digest)
                return self._kept[digest][0]
            table = parse(text)
            self._keep(digest, table, len(text))
            return table

    def _keep(self, digest: bytes, table: MountTable, size: int) -> None:
        self._kept[digest] = (table, size)
        self._bytes += size
        while self._bytes > self._size and len(self._kept) > 1:
            _, (_, freed) = self._kept.popitem(last=False)
            self._bytes -= freed
