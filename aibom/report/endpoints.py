"""Where a service answers, as a URI that validators take."""

import re
from ipaddress import IPv6Address

from cyclonedx.model import XsUri
from py_serializable import json_name, serializable_class

_IPV6 = re.compile("%5B([0-9a-f:.]+)%5D")


@serializable_class
class Endpoint(XsUri):
    """A URI with its IPv6 address in brackets (RFC 3986, 3.2.2), which XsUri escapes.

    It is written without ``::``, which rfc3987-syntax, a common validator's grammar, refuses.
    """

    @property
    @json_name(".")
    def uri(self) -> str:
        """Return it as it is written."""
        return _IPV6.sub(lambda found: f"[{IPv6Address(found[1]).exploded}]", super().uri)
