"""The parts of a URL that are compared (RFC 3986, 3.2)."""

import re

_AUTHORITY = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//([^/?#]*)")
# git takes a path where a URL has its port: git+ssh://git@HOST:OWNER/NAME
_HOST = re.compile(r"(?:.*@)?(\[[0-9A-Fa-f:.]+\]|[^:\[\]@]*)(?::[\w.~-]*)?")


def host_of(url: str) -> str:
    """Return the host of a URL in lower case, an IPv6 address without brackets; empty if none."""
    authority = _AUTHORITY.match(url)
    host = _HOST.fullmatch(authority[1]) if authority else None
    return host[1].strip("[]").lower().rstrip(".") if host else ""
