"""Where an agent may send to: wherever it is told, but never to what a cloud tells machines."""

import ipaddress
from urllib.parse import SplitResult, urlsplit

from aibom.agent.errors import AgentError
from aibom.formats.text import printable
from aibom.sources.addresses import area_of, plain
from aibom.sources.errors import SourceError

#: Addresses at which clouds give credentials to whoever asks, where they are not link-local.
METADATA = frozenset(
    map(
        ipaddress.ip_address,
        (
            "fd00:ec2::254",  # Amazon, docs.aws.amazon.com "instancedata-data-retrieval"
            "fd00:ec2::23",  # Amazon EKS, the Pod Identity agent
            "fd20:ce::254",  # Google, cloud.google.com/compute/docs/metadata
            "fd00:42::42",  # Scaleway
            "100.100.100.200",  # Alibaba
            "168.63.129.16",  # Azure, learn.microsoft.com "what-is-ip-address-168-63-129-16"
            "192.0.0.192",  # Oracle Cloud Classic
        ),
    )
)
#: Names of them, for where a proxy looks names up.
_METADATA_NAMES = frozenset(
    {"metadata.google.internal", "metadata.goog", "instance-data.ec2.internal"}
)


class Destinations:
    """The guard of a sink's connections: each address is looked at before it is connected to."""

    def check(self, address: str, host: str) -> None:
        """Raise SourceError when an address of ``host`` is none to send to."""
        trouble = _trouble(address)
        if trouble:
            raise SourceError(f"{printable(host, 200)} leads to {address}, {trouble}")

    def settle(self, address: str) -> None:
        """Learn nothing: what is fit to connect to does not depend on what was."""


def _trouble(address: str) -> str:
    if plain(address) in METADATA:
        return "where a cloud keeps credentials"
    area = area_of(address)
    return f"a {area} address" if area in ("link-local", "reserved") else ""


def parts_of(url: str, where: str) -> SplitResult:
    """Return a URL's parts, once it is fit to send to. Raises AgentError.

    ``where`` is what the setting is called.
    """
    if trouble := trouble_of(url):
        raise AgentError(f"{where}: {trouble}")
    return urlsplit(url)


def trouble_of(url: str) -> str:
    """Return why a URL is not fit to send to; empty when it is.

    The whole URL is never in it: its query may be a secret.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "a URL whose host or port is none"
    if parts.scheme not in ("http", "https"):
        return "begins with neither https:// nor http://"
    if "@" in parts.netloc:
        return "has credentials in it; put them into a file of their own"
    if not host or port == 0:
        return "a URL without a host, or with port 0"
    if not url.isascii() or any(c <= " " or c == "\x7f" for c in url):
        return "no URL: it has other characters than those of ASCII that can be seen"
    trouble = _refused(host)
    return f"{printable(host, 200)} is {trouble}" if trouble else ""


def is_plain(parts: SplitResult) -> bool:
    """Return whether what is sent can be read on its way: by HTTP, and to another machine."""
    host = parts.hostname or ""
    if parts.scheme != "http" or host == "localhost":
        return False
    try:
        return area_of(host) != "loopback"
    except ValueError:
        return True


def _refused(host: str) -> str:
    if host.rstrip(".") in _METADATA_NAMES:
        return "where a cloud keeps credentials"
    try:
        return _trouble(host)
    except ValueError:
        return ""  # a name: what it means is looked at when it is connected to
