"""What kind of address it is, and which ones a registry may send us to."""

import pytest

from aibom.sources.addresses import Area, area_of
from aibom.sources.errors import SourceError
from aibom.sources.registry.neighbourhood import Neighbourhood

AREAS: list[tuple[str, Area]] = [
    ("93.184.216.34", "public"),
    ("2606:4700::1111", "public"),
    ("10.1.2.3", "private"),
    ("172.16.0.1", "private"),
    ("192.168.1.1", "private"),
    ("100.64.0.1", "private"),
    ("fd00::1", "private"),
    ("198.18.0.1", "private"),
    ("127.0.0.1", "loopback"),
    ("127.9.9.9", "loopback"),
    ("::1", "loopback"),
    ("169.254.169.254", "link-local"),
    ("fe80::1%eth0", "link-local"),
    ("0.0.0.0", "reserved"),  # noqa: S104 - it is only looked at
    ("::", "reserved"),
    ("224.0.0.1", "reserved"),
    ("ff02::1", "reserved"),
    ("::ffff:10.0.0.1", "private"),
    ("::ffff:127.0.0.1", "loopback"),
    ("::ffff:93.184.216.34", "public"),
    ("64:ff9b::169.254.169.254", "link-local"),
    ("2002:7f00:1::", "loopback"),
]


@pytest.mark.parametrize(("address", "area"), AREAS)
def test_areas(address: str, area: Area) -> None:
    assert area_of(address) == area


@pytest.mark.parametrize(("home", "home_area"), AREAS)
@pytest.mark.parametrize(("address", "area"), AREAS)
def test_only_public_ones_or_the_registrys_own_kind(
    home: str, home_area: Area, address: str, area: Area
) -> None:
    neighbourhood = Neighbourhood()
    neighbourhood.check(home, "registry")
    neighbourhood.settle(home)
    neighbourhood.settle("93.184.216.34")
    if area in ("public", home_area):
        neighbourhood.check(address, "storage")
    else:
        with pytest.raises(SourceError, match=f"sends us to storage, a {area} address"):
            neighbourhood.check(address, "storage")
