"""How MCP servers are reached: the transport, as far as it shows, and from how far away."""

from aibom.formats.mcp.transports import TRANSPORTS
from aibom.identify.network.ends import address_of
from aibom.types.inventory import WorkloadKind

#: The property of a service that says from how far it can be reached over MCP.
EXPOSURE = "aibom:mcp:exposure"
_OPTIONS = ("--transport", "-t", "--outputtransport", "--server", "--mcp-transport")
_ANY = ("0.0.0.0", "::")  # noqa: S104 - nothing is bound to it


def told_by(argv: tuple[str, ...]) -> str:
    """Return the transport that a command line asks for, or an empty string.

    The value of an option for it, or a word of its own (``server-everything streamableHttp``).
    """
    previous = ""
    for argument in argv[1:]:
        option, separator, value = argument.partition("=")
        if separator and option.lower() in _OPTIONS:
            return TRANSPORTS.get(value.lower(), "")
        word = argument.lower()
        if word in TRANSPORTS and (
            previous in _OPTIONS or (word != "http" and previous[:2] != "--")
        ):
            return TRANSPORTS[word]
        previous = word
    return ""


def exposure(endpoints: tuple[str, ...], kind: WorkloadKind) -> str:
    """Return the widest of the places from which endpoints can be reached.

    ``loopback``, ``pod`` (an address of the pod; elsewhere ``address``), ``all-interfaces``; empty
    for a server that does not listen.
    """
    found = set()
    for endpoint in endpoints:
        address = address_of(endpoint.partition("://")[2])
        if address is None:
            continue
        if address.host in _ANY:
            return "all-interfaces"
        found.add("loopback" if address.loopback else "address")
    if "address" in found:
        return "pod" if kind == "pod" else "address"
    return "loopback" if found else ""
