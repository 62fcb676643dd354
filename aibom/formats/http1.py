"""The first bytes of an HTTP/1 request, cut to what may be told: method, host and path.

Grammar: RFC 9112 (request line, section 3), RFC 9110 (Host, section 7.2), RFC 3986 (authority,
section 3.2). Query, fragment, user information, every other header and the body are never copied
out of the buffer, as they may hold tokens. HTTP/2 and HTTP/3 compress their headers and are not
read.
"""

import re
from typing import NamedTuple

from aibom.formats.text import printable

#: Methods that are recognised; OPTIONS, TRACE and CONNECT fetch and send nothing.
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH")
#: Longest path that is told, in characters.
MAX_PATH = 1024
#: Longest name that DNS allows, in text form (RFC 1035, section 2.3.4).
MAX_HOST = 253

# origin-form, or the absolute-form that proxies are sent; the query stays outside of the groups
_LINE = re.compile(
    rb"(" + "|".join(METHODS).encode() + rb") "
    rb"(?:https?://(?:[^\x00-\x20\x7f/?#@]*@)?([^\x00-\x20\x7f/?#@]*)(?=[/?# ]))?"
    rb"((?:/[^\x00-\x20\x7f?#]*)?)"
)
_REST = re.compile(rb"(?:[?#][^\x00-\x20\x7f]*)?")
_VERSION = re.compile(rb" HTTP/1\.[01]\r?\n")
_BLANK = re.compile(rb"\r?\n\r?\n")
# the line's end must be there: half a name is another name
_HOST = re.compile(rb"\nhost:[ \t]*([^\x00-\x20\x7f]*)[ \t]*\r?\n", re.IGNORECASE)
_AUTHORITY = re.compile(r"([a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])\.?(?::[0-9]{0,5})?")


class Start(NamedTuple):
    """Where a request goes. ``host`` is empty where it is absent, invalid or was cut off."""

    method: str
    host: str
    path: str


def parse(data: bytes | bytearray, *, cut: bool = False) -> Start | None:
    """Return the start of the request that ``data`` begins with, None if it is no HTTP/1 request.

    ``host`` is in lower case, without port and user information; ``path`` is printable, without
    query, of at most MAX_PATH characters and then "…". ``cut`` says that the request goes on
    after ``data``: then a query may run to the end of ``data``, and the host remains unknown.
    """
    line = _LINE.match(data)
    if line is None or not (line[2] or line[3]):
        return None
    rest = _REST.match(data, line.end())
    end = line.end() if rest is None else rest.end()
    version = _VERSION.match(data, end)
    if version is None and not (cut and line.end() < end == len(data)):
        return None
    host = line[2] or (b"" if version is None else _host_header(data, version.end() - 1))
    path = printable((line[3] or b"/").decode("utf-8", "surrogateescape"), MAX_PATH)
    return Start(line[1].decode(), _host(host), path)


def _host_header(data: bytes | bytearray, start: int) -> bytes:
    """Return what the Host line says that follows the line feed at ``start``, not one in a body."""
    blank = _BLANK.search(data, start)
    # with the blank line's first line feed, which ends the last header
    found = _HOST.search(data, start, len(data) if blank is None else blank.end())
    return b"" if found is None else found[1]


def _host(authority: bytes) -> str:
    text = authority.decode("ascii", "replace").lower()
    found = _AUTHORITY.fullmatch(text) if len(text) <= MAX_HOST + len(":65535") else None
    return found[1][:MAX_HOST] if found is not None else ""
