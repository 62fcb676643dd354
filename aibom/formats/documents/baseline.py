"""The findings of an earlier run: their fingerprints, from the JSON or the SARIF of ``diff``."""

from typing import Any

from aibom.formats.documents import bomjson, jsondoc
from aibom.formats.source import FormatError

#: The name of our fingerprint in SARIF (SARIF 2.1.0, 3.27.17: names are the tool's own).
FINGERPRINT = "aibomFinding/v1"
_SCHEMA = "aibom.diff/"


def fingerprints(data: bytes) -> frozenset[str]:
    """Return the fingerprints in an earlier run's document.

    What the policy accepted then is left out: when its exception ends, it must count again. Raises
    FormatError saying what is wrong with the document.
    """
    document = jsondoc.load(data)
    if bomjson.text(document, "schema").startswith(_SCHEMA):
        findings = [f for f in _list(document, "findings") if not f.get("accepted")]
        return frozenset(filter(None, (bomjson.text(f, "fingerprint") for f in findings)))
    if "runs" in document:
        return frozenset(filter(None, map(_of_result, _results(document))))
    raise FormatError(
        "no baseline: neither 'diff --format json' nor 'diff --format sarif' wrote it"
    )


def _results(document: dict[str, Any]) -> list[dict[str, Any]]:
    found = [r for run in _list(document, "runs") for r in bomjson.objects(run.get("results"))]
    return [result for result in found if not bomjson.objects(result.get("suppressions"))]


def _of_result(result: dict[str, Any]) -> str:
    partial = result.get("partialFingerprints")
    return bomjson.text(partial, FINGERPRINT) if isinstance(partial, dict) else ""


def _list(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = document.get(name)
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise FormatError(f"{name} is not a list of objects")
    return found
