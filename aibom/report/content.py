"""What a BOM of ours says, apart from when it was seen; and whose BOM it is."""

import hashlib
import json
import re
from dataclasses import replace
from typing import Any, cast, get_args

from aibom.formats.text import printable
from aibom.types.inventory import Workload, WorkloadKind
from aibom.types.words import lasting

# of the document, its metadata and its annotations; compositions follow from what was not seen
_PASSING = frozenset({"timestamp", "serialNumber", "compositions"})
# where sentences stand; everything else is content to the letter
_SENTENCES = frozenset({"additionalContext", "text", "value"})
_OBSERVED = "aibom:observed:"
_SENSOR = "aibom:sensor:"
_UNSEEN = "aibom:unseen"
_WORKLOAD = "aibom:workload:"
# as properties and as annotations: a process that was too fast for one look, ...
_MOMENTS = re.compile(r'\["vanished",|unseen: vanished:')
# ... and what is counted
_COUNTED = re.compile(r'\["(?:lost|unattributed)",|unseen: (?:lost|unattributed):')
_COUNT = re.compile(r"[1-9]\d*", re.ASCII)


def content_of(document: dict[str, Any]) -> str:
    """Return a digest of what a document says: the same for two looks that saw the same.

    Left out are the times of the document and of every sighting, how often and in which of like
    processes a thing was seen, what sensors counted, and the serial number that is derived from
    these. That something was lost is content, and how much is not.
    """
    return _digest(document)


def _digest(value: Any) -> str:
    steady = json.dumps(_steady(value), sort_keys=True)
    return hashlib.sha256(steady.encode()).hexdigest()


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            k: _sentence(v, str(value.get("name", ""))) if k in _SENTENCES else _steady(v)
            for k, v in value.items()
            if k not in _PASSING
        }
    if isinstance(value, list):
        # like processes say the same now, and stood in the order of their texts
        return sorted({_digest(v) for v in value if not _passes(v)})
    return value


def _sentence(value: Any, name: str) -> Any:
    if not isinstance(value, str):
        return _steady(value)
    if name.startswith(_SENSOR) or _COUNTED.match(value):
        value = _COUNT.sub("n", value)
    return lasting(value)


def _passes(value: Any) -> bool:
    """Say whether an entry of a list is a property or an annotation that tells of a moment."""
    if not isinstance(value, dict):
        return False
    if str(value.get("name", "")).startswith(_OBSERVED):
        return True
    said = value.get("text") or (value.get("name") == _UNSEEN and value.get("value"))
    return isinstance(said, str) and _MOMENTS.match(said) is not None


def shown(workload: Workload) -> Workload:
    """Return a workload as its documents name it, without anything that was made unreadable."""
    return replace(
        workload,
        name=printable(workload.name),
        namespace=printable(workload.namespace),
        uid=printable(workload.uid),
    )


def workload_of(document: Any) -> Workload | None:
    """Return whose BOM a document is, as ``shown``; None where it is none of ours."""
    try:
        component = document["metadata"]["component"]
        pairs = {p["name"]: p["value"] for p in component["properties"]}
        kind, name = pairs[f"{_WORKLOAD}kind"], component["name"]
    except (KeyError, TypeError):
        return None
    namespace, uid = (pairs.get(f"{_WORKLOAD}{part}", "") for part in ("namespace", "uid"))
    if kind not in get_args(WorkloadKind) or not all(
        isinstance(text, str) for text in (name, namespace, uid)
    ):
        return None
    return Workload(cast("WorkloadKind", kind), name, namespace, uid)
