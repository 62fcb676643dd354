"""One spelling for the ends of a connection: ``10.0.0.2:80``, ``[::1]:80``."""

from functools import lru_cache
from ipaddress import IPv6Address


@lru_cache(maxsize=4096)
def spell_address(packed: bytes) -> str:
    """Return an address of 4 or 16 bytes in network order as text, without brackets.

    An IPv4 address inside an IPv6 one (``::ffff:10.0.0.2``) is spelled as the IPv4 address it
    is. Raises ValueError for any other length.
    """
    if len(packed) == 4:
        return ".".join(map(str, packed))
    address = IPv6Address(packed)
    mapped = address.ipv4_mapped
    return str(mapped if mapped is not None else address)


def spell_end(packed: bytes, port: int) -> str:
    """Return one end of a connection as text. Raises ValueError as ``spell_address`` does."""
    return join_end(spell_address(packed), port)


def join_end(address: str, port: int) -> str:
    """Return one end of a connection of an address as ``spell_address`` gives it."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
