"""Kinds of values in settings: what each is called, and how it may be written."""

from typing import Annotated

from msgspec import Meta

from aibom.agent.config.units import DAYS_PATTERN, SIZE_PATTERN

_PATH = "^/"
_OPTIONAL_PATH = "^(/|$)"
# what stands before the first slash must hold no user or password, which would be kept and shown
_URL = r"^(https?://[^@\s/?#\\]+([/?][^#\s]*)?)?$"
_ADDRESS = r"^((\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]*):[0-9]{1,5})?$"
# a label of RFC 1123, which names of Kubernetes namespaces are
_NAMESPACE = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"


def about(description: str, *, fixed: bool = False) -> Meta:
    """Describe a setting; ``fixed`` is one that holds until the agent is started anew."""
    return Meta(description=description, extra={"fixed": fixed})


def _written(wanted: str, pattern: str) -> Meta:
    return Meta(pattern=pattern, max_length=4096, extra={"wanted": wanted})


def _short(least: int, most: int) -> Meta:
    wanted = f"a name of {'1 to' if least else 'at most'} {most} characters"
    return Meta(min_length=least, max_length=most, extra={"wanted": wanted})


def _unit(unit: str, wanted: str, pattern: str) -> Meta:
    extra = {"unit": unit, "wanted": wanted}
    return Meta(extra=extra, extra_json_schema={"pattern": pattern})


#: Bytes: a number, or a text such as 20G (10^9) or 128Mi (2^20).
Size = Annotated[int, _unit("size", "a size such as 500M or 2Gi", SIZE_PATTERN)]
#: Days: a number, or a text such as 2w, 7d, 12h or 30m.
Days = Annotated[float, _unit("days", "a time such as 7d or 12h", DAYS_PATTERN)]
#: The name of a file or folder, from the root.
FilePath = Annotated[str, _written("an absolute path", _PATH)]
#: The same, empty for none.
OptionalPath = Annotated[str, _written("an absolute path", _OPTIONAL_PATH)]
#: Where something is sent to; empty for nowhere.
Url = Annotated[str, _written("an http or https URL without a user or password", _URL)]
#: Where something listens; empty for nowhere.
Address = Annotated[
    str,
    _written(
        "ADDRESS:PORT, such as 127.0.0.1:9464, [::1]:9464 or :9464 for all addresses", _ADDRESS
    ),
]
#: The name of a Kubernetes namespace.
Namespace = Annotated[str, Meta(pattern=_NAMESPACE, extra={"wanted": "the name of a namespace"})]
#: The name of a node, of which Kubernetes' have at most 253 characters; empty for the host's.
NodeName = Annotated[str, _short(0, 253)]
#: The name of a project in Dependency-Track, whose column has 255 characters.
ProjectName = Annotated[str, _short(1, 255)]
#: The same, empty for none.
OptionalProjectName = Annotated[str, _short(0, 255)]
#: Certificates for one sink.
CaFile = Annotated[OptionalPath, about("certificates to trust instead of the system's (PEM)")]
