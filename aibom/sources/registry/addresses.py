"""Where a registry may send us: not into the network that we are in, unless it stands there."""

import ipaddress
from typing import Literal

from aibom.sources.errors import SourceError

Area = Literal["public", "private", "loopback", "link-local", "reserved"]
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# the well-known prefix by which IPv6 hosts reach IPv4 ones (RFC 6052): the last 32 bits
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def area_of(text: str) -> Area:
    """Return what kind of address it is; an IPv4 address inside of an IPv6 one counts."""
    address = _plain(ipaddress.ip_address(text.partition("%")[0]))
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    if address.is_multicast or address.is_unspecified:
        return "reserved"
    return "public" if address.is_global else "private"


def _plain(address: _Address) -> _Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


class Neighbourhood:
    """The area of the first address that was connected to, and whether another one is fit.

    The first is the registry's, which the user named. Whatever follows, its redirects, its token
    server and its own name looked up once more, must be public or of the same area. Addresses are
    those that were connected to: what a name resolves to is the registry's to choose.
    """

    def __init__(self) -> None:
        """Begin without a registry."""
        self._home: Area | None = None

    def check(self, address: str, host: str) -> None:
        """Raise SourceError when an address of ``host`` is none to connect to."""
        area = area_of(address)
        if self._home is not None and area not in ("public", self._home):
            raise SourceError(f"the registry sends us to {host}, a {area} address ({address})")

    def settle(self, address: str) -> None:
        """Remember that a connection stands; the first one tells where the registry is."""
        if self._home is None:
            self._home = area_of(address)
