"""Mount tables by their text, so that equal ones are one object and are parsed once."""

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
        self._kept: OrderedDict[bytes, MountTable] = OrderedDict()
        self._bytes = 0

    def of(self, text: bytes) -> MountTable:
        """Return the table that a text describes."""
        table = self._kept.get(text)
        if table is None:
            table = self._kept[text] = parse(text)
            self._bytes += len(text)
            while self._bytes > self._size and len(self._kept) > 1:
                oldest, _ = self._kept.popitem(last=False)
                self._bytes -= len(oldest)
        else:
            self._kept.move_to_end(text)
        return table
