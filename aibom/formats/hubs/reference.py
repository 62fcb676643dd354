"""References to what a model hub keeps, as people type them: ``hf://ORG/NAME@REVISION``.

The form is that of huggingface_hub's file system (huggingface.co/docs/huggingface_hub, "hf://")
and of KServe's storage URIs (``hf://ORG/NAME:REVISION``).
"""

import re
from typing import NamedTuple

from aibom.formats.hubs.paths import SHA1_DIGITS, is_hex, is_name
from aibom.types.modelfiles import HubKind

_KINDS: dict[str, HubKind] = {"models": "model", "datasets": "dataset", "spaces": "space"}
_FORM = re.compile(r"hf://(?P<path>[\w./-]{1,500}?)(?:[@:](?P<revision>[\w./-]{1,200}))?", re.ASCII)


class HubReference(NamedTuple):
    """A repository of a hub. ``revision`` is a branch, a tag or a commit; empty where not said."""

    kind: HubKind
    repository: str
    revision: str = ""

    @property
    def commit(self) -> str:
        """The commit, in lower case, where the revision is one."""
        return self.revision if is_hex(self.revision, SHA1_DIGITS) else ""

    @property
    def text(self) -> str:
        """The reference as it is typed."""
        kind = "" if self.kind == "model" else f"{self.kind}s/"
        return f"hf://{kind}{self.repository}" + (f"@{self.revision}" if self.revision else "")


def parse(text: str) -> HubReference | None:
    """Return the repository that an ``hf://`` reference names, or None where it is none."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        return None
    kind, _, rest = match["path"].partition("/")
    known = _KINDS.get(kind)
    repository = rest if known else match["path"]
    if not _is_id(repository):
        return None
    revision = match["revision"] or ""
    lowered = revision.lower()
    commit = is_hex(lowered, SHA1_DIGITS)
    return HubReference(known or "model", repository, lowered if commit else revision)


def is_repository(text: str) -> bool:
    """Say whether a text has the form of a repository's id: ``ORG/NAME``."""
    return text.count("/") == 1 and _is_id(text)


def _is_id(text: str) -> bool:
    # the oldest repositories have no organisation (gpt2)
    parts = text.split("/")
    return len(parts) <= 2 and all(is_name(part) and part[0] not in ".-" for part in parts)


class HubRepository(NamedTuple):
    """What a hub says of a repository at one commit; what it does not say is empty.

    ``sha256`` are the digests of its files in large-file storage by their path, ``others`` counts
    the rest, of which a hub tells no SHA-256. ``access`` is ``private``, ``gated`` or empty;
    ``unsafe`` are files that the hub's own scans hold to be unsafe, each with what they say, and
    ``scanned`` is true once these are done.
    """

    reference: HubReference
    commit: str
    sha256: tuple[tuple[str, str], ...] = ()
    others: int = 0
    licence: str = ""
    base_models: tuple[str, ...] = ()
    adapter: bool = False
    access: str = ""
    scanned: bool = False
    unsafe: tuple[tuple[str, str], ...] = ()
