"""What a BOM of ours says, apart from when it was seen; and whose BOM it is."""

import hashlib
import json
from dataclasses import replace
from typing import Any, cast, get_args

from aibom.formats.text import printable
from aibom.types.inventory import Workload, WorkloadKind
from aibom.types.words import without_times

# of the document, its metadata and its annotations
_OF_TIME = frozenset({"timestamp", "serialNumber"})
_OBSERVED = "aibom:observed:"
_WORKLOAD = "aibom:workload:"


def content_of(document: dict[str, Any]) -> str:
    """Return a digest of what a document says: the same for two looks that saw the same.

    Left out are the times of the document and of every sighting, how often like processes did a
    thing, and the serial number that is derived from these.
    """
    lasting = json.dumps(_lasting(document), sort_keys=True)
    return hashlib.sha256(lasting.encode()).hexdigest()


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {k: _lasting(v) for k, v in value.items() if k not in _OF_TIME}
        if "occurrences" in kept and isinstance(kept["occurrences"], list):
            # they stand in the order of their texts, times included
            kept["occurrences"].sort(key=lambda o: json.dumps(o, sort_keys=True))
        return kept
    if isinstance(value, list):
        return [_lasting(v) for v in value if not _tells_period(v)]
    return without_times(value) if isinstance(value, str) else value


def _tells_period(value: Any) -> bool:
    return isinstance(value, dict) and str(value.get("name", "")).startswith(_OBSERVED)


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
