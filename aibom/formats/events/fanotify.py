"""Events of fanotify, as read(2) on its descriptor returns them.

Layout: include/uapi/linux/fanotify.h and fanotify(7). A struct fanotify_event_metadata (24 bytes,
or what it says of itself) is followed by information records up to its event's length.
"""

import struct
from typing import NamedTuple

# fanotify.h
_VERSION = 3
_INFO_FID = 1
_INFO_DFID_NAME = 2
_INFO_DFID = 3

# event_len, vers, metadata_len, mask, fd, pid
_METADATA = struct.Struct("=IBxHQii")
# the same with the beginning of a first record: its info_type, len, fsid and handle_bytes
_USUAL = struct.Struct("=IBxHQii BxH 8s I4x")
# struct fanotify_event_info_fid: info_type, len; fsid (8); handle_bytes, handle_type
_RECORD = struct.Struct("=BxH8xI4x")
#: Where in a record its parts begin: fsid, struct file_handle, and that one's data.
_FSID, _HANDLE, _HANDLE_DATA = 4, 12, 20

# a NamedTuple's own constructor takes three times as long
_new = tuple.__new__


class FileEvent(NamedTuple):
    """Something that happened to a file.

    ``mask`` is the OR of what happened (FAN_* of fanotify.h): the kernel merges what one process
    does with one file. ``pid`` is in the reader's pid namespace, 0 for a process outside of it.
    ``filesystem`` is the fsid of statfs(2), 8 bytes. ``folder`` and ``file`` are struct
    file_handle as the kernel wrote them, for open_by_handle_at(2); b"" where it told none.
    ``name`` is the file's in its folder, any bytes but NUL and slash. ``descriptor`` is an open
    one that the receiver has to close, or -1.
    """

    mask: int
    pid: int
    filesystem: bytes
    folder: bytes
    file: bytes
    name: bytes
    descriptor: int


def parse(data: bytes | memoryview) -> list[FileEvent]:
    """Return the events of one read, oldest first.

    What follows an event whose length cannot be is left out, and so is a record that does not
    fit into its event.
    """
    data = bytes(data)
    events: list[FileEvent] = []
    at, total = 0, len(data)
    last = total - _USUAL.size
    unpack, unpack_record, find = _USUAL.unpack_from, _RECORD.unpack_from, data.find
    while True:
        # nearly every event is of this form, and a storm brings a hundred thousand a second
        if at <= last:
            length, version, header, mask, descriptor, pid, kind, first, fsid, size = unpack(
                data, at
            )
            end, record, stop = at + length, at + 24 + first, at + 44 + size
            usual = version == _VERSION and header == 24 and kind == _INFO_DFID_NAME
            if usual and stop <= record <= end - _HANDLE_DATA and end <= total:
                kind, second, size = unpack_record(data, record)
                nul = find(b"\0", stop, record)
                fits = record + second == end and record + _HANDLE_DATA + size <= end
                if kind == _INFO_FID and fits and nul >= 0:
                    folder = data[at + 36 : stop]
                    file = data[record + _HANDLE : record + _HANDLE_DATA + size]
                    fields = (mask, pid, fsid, folder, file, data[stop:nul], descriptor)
                    events.append(_new(FileEvent, fields))
                    at = end
                    continue
        found = _any(data, at)
        if found is None:
            return events
        event, at = found
        events.append(event)


def _any(data: bytes, at: int) -> tuple[FileEvent, int] | None:
    """Return the event at an offset, of whatever form, and where it ends; None if it is none."""
    if at + _METADATA.size > len(data):
        return None
    length, version, header, mask, descriptor, pid = _METADATA.unpack_from(data, at)
    end = at + length
    if version != _VERSION or not 24 <= header <= length or end > len(data):
        return None
    fields = _records(data, at + header, end)
    return FileEvent(mask, pid, *fields, descriptor), end


def _records(data: bytes, at: int, end: int) -> tuple[bytes, bytes, bytes, bytes]:
    """Return fsid, folder, file and name as the records from ``at`` to ``end`` have them."""
    fsid = folder = file = name = b""
    unpack = _RECORD.unpack_from
    while at + _HANDLE_DATA <= end:
        kind, length, handle_bytes = unpack(data, at)
        following = at + length
        stop = at + _HANDLE_DATA + handle_bytes
        if length < 4 or following > end:
            break
        if stop <= following:
            if kind == _INFO_DFID_NAME:
                folder = data[at + _HANDLE : stop]
                nul = data.find(b"\0", stop, following)
                name = data[stop : nul if nul >= 0 else following]
                fsid = data[at + _FSID : at + _HANDLE]
            elif kind == _INFO_FID:
                file = data[at + _HANDLE : stop]
                fsid = data[at + _FSID : at + _HANDLE]
            elif kind == _INFO_DFID:
                folder = data[at + _HANDLE : stop]
                fsid = data[at + _FSID : at + _HANDLE]
        at = following
    return fsid, folder, file, name
