"""What may be believed to be a host name (RFC 952, RFC 1123 2.1, RFC 1035 2.3.4)."""

import re

_LONGEST = 253
# letters, digits and inner hyphens, 63 at most; the last label is not a number, as it would be
# in an address
_LABEL = rb"(?!-)[a-z0-9-]{1,63}(?<!-)"
_NAME = re.compile(rb"(?:" + _LABEL + rb"\.)*(?![0-9]+\Z)" + _LABEL)


def host_name(raw: bytes) -> str:
    """Return a host name in lower case, without the dot at its end; "" where it is none.

    Names from the wire are whatever somebody sent: nothing but letters, digits, hyphens and
    dots is let through, so what is returned can be shown and compared as it is.
    """
    name = raw.lower().removesuffix(b".")
    return name.decode("ascii") if len(name) <= _LONGEST and _NAME.fullmatch(name) else ""
