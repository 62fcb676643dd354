"""How something was seen, where it came from, whether it was declared, and what stayed dark."""

import json
import re
from collections.abc import Iterator
from typing import cast, get_args

from aibom.formats.documents import bomjson
from aibom.report.story.thing import MAX_LISTED, listed
from aibom.report.story.told import Entry, Told
from aibom.types.files import OriginKind
from aibom.types.words import PLACES

# as ``shown_by`` names processes
_PID = re.compile(r"\(pid (\d+)\)")
_DECLARED = {
    "true": "It was declared",
    "false": "Nobody declared it",
    "unknown": "Whether it was declared could not be said",
}


def how_seen(told: Told, entry: Entry) -> Iterator[str]:
    """Yield what showed that an entry is there, and when that was."""
    occurrences = bomjson.occurrences(entry.raw)
    for one in occurrences[:MAX_LISTED]:
        context = bomjson.text(one, "additionalContext")
        yield (
            f"{bomjson.text(one, 'location')}: {context}"
            if context
            else (f"It lies at {bomjson.text(one, 'location')}.")
        )
    if len(occurrences) > MAX_LISTED:
        yield f"And {len(occurrences) - MAX_LISTED} more ways in which it was seen."
    yield from entry.said("aibom:evidence")[:MAX_LISTED]
    if containers := listed(entry.said("aibom:container")):
        yield f"It was seen in the container {containers}."
    yield from _period(told)


def _period(told: Told) -> Iterator[str]:
    metadata = told.document.get("metadata")
    if not isinstance(metadata, dict):
        return
    said = dict(reversed(bomjson.properties(metadata)))
    began, ended = said.get("aibom:observed:from"), said.get("aibom:observed:to")
    if began and ended:
        seconds = said.get("aibom:observed:seconds", "?")
        yield f"It was watched from {began} to {ended} ({seconds} seconds)."
    elif timestamp := bomjson.text(metadata, "timestamp"):
        written = "The observation" if bomjson.is_observed(told.document) else "The BOM"
        yield f"{written} bears the time {timestamp}."


def came_from(entry: Entry) -> Iterator[str]:
    """Yield where an entry came from: the place, the writer of its files, the hub."""
    kind = entry.first("aibom:origin")
    if kind in get_args(OriginKind):
        detail = entry.first("aibom:origin:detail")
        yield f"It comes from {PLACES[cast('OriginKind', kind)]}" + (
            f" ({detail})." if detail else "."
        )
    if on_host := entry.first("aibom:origin:host-path"):
        yield f"On the host it is {on_host}"
    yield from (f"It was {arrival}." for arrival in entry.said("aibom:arrival")[:MAX_LISTED])
    yield from _hub(entry)
    for installer in entry.said("aibom:installer"):
        yield f"It was installed by {installer}."


def _hub(entry: Entry) -> Iterator[str]:
    repository = entry.first("aibom:hub:repository")
    if not repository:
        return
    commit = entry.first("aibom:hub:commit")
    hub = entry.first("aibom:hub") or "a hub"
    at = f" at commit {commit}" if commit else ""
    proof = (
        "its content is the one that the cache promises"
        if entry.first("aibom:hub:verified") == "true"
        else "its content was not proven to be the hub's"
    )
    yield f"The cache of {hub} says that it is of {repository}{at}; {proof}."


def declared(told: Told, entry: Entry) -> Iterator[str]:
    """Yield whether somebody declared an entry, and by what."""
    verdict = told.verdicts.get(entry.ref)
    said = verdict.declared if verdict is not None else entry.first("aibom:declared")
    reason = verdict.reason if verdict is not None else entry.first("aibom:declared:reason")
    if said in _DECLARED:
        yield f"{_DECLARED[said]}" + (f": {reason}." if reason else ".")


def blind_spots(told: Told, entry: Entry) -> Iterator[str]:
    """Yield what could not be seen around an entry, and how much else there was."""
    records = list(dict.fromkeys(_records(told)))
    marks = _marks(entry)
    near = [r for r in records if any(mark in " ".join(r) for mark in marks)]
    for reason, subject, detail, remedy in near[:MAX_LISTED]:
        do = f"; {remedy}" if remedy else ""
        yield f"{subject}: {detail or reason}{do}."
    if rest := len(records) - min(len(near), MAX_LISTED):
        word = "thing" if rest == 1 else "things"
        also = "more " if near else ""
        yield f"Of the whole workload {rest} {also}{word} could not be seen; the BOM names them."


def _marks(entry: Entry) -> list[str]:
    """Return what a record that concerns an entry has in it: its paths, its processes."""
    contexts = [bomjson.text(o, "additionalContext") for o in bomjson.occurrences(entry.raw)]
    pids = {pid for text in contexts for pid in _PID.findall(text)}
    return [*entry.paths, *(f"process {pid}" for pid in sorted(pids))]


def _records(told: Told) -> Iterator[tuple[str, str, str, str]]:
    for name, value in bomjson.properties(told.document):
        if name != "aibom:unseen":
            continue
        try:
            reason, subject, detail, remedy = map(str, json.loads(value))
        except (ValueError, TypeError, RecursionError):
            yield "unreadable", value, "", ""
        else:
            yield reason, subject, detail, remedy
