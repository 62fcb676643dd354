"""What kind of address it is: where one may be sent, or sent on, depends on it."""

import ipaddress
from typing import Literal

Area = Literal["public", "private", "loopback", "link-local", "reserved"]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# the well-known prefix by which IPv6 hosts reach IPv4 ones (RFC 6052): the last 32 bits
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def area_of(text: str) -> Area:
    """Return what kind of address it is; an IPv4 address inside of an IPv6 one counts."""
    address = plain(text)
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    if address.is_multicast or address.is_unspecified:
        return "reserved"
    return "public" if address.is_global else "private"


def plain(text: str) -> Address:
    """Return an address without its zone; the IPv4 address where it has one inside."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
