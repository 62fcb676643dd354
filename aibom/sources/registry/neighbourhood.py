"""Where a registry may send us: not into the network that we are in, unless it stands there."""

from aibom.sources.addresses import Area, area_of
from aibom.sources.errors import SourceError


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
