"""``aibom.yaml``: bytes to a Policy. The language is schemas/aibom-policy.schema.json."""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any, cast

import jsonschema_rs
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from aibom.formats import yamltext
from aibom.formats.packages import purlpatterns
from aibom.formats.source import FormatError
from aibom.formats.text import printable
from aibom.formats.yamltext import Place
from aibom.types.findings import Severity
from aibom.types.policy import Category, Entry, Policy, Setting, Waiver

#: Largest policy that is read, in bytes, and most entries of all lists together.
MAX_SIZE = 2 << 20
MAX_ENTRIES = 20_000
#: Most entries that hold a pattern: each of them is tried for each thing.
MAX_PATTERNS = 1_000

_WHOLE = frozenset({"licences", "origins"})
# what an entry has beside selectors
_SAID = frozenset({"reason", "owner", "expires"})
_NARROWING = frozenset({"kinds", "origins"})
# what a workload chooses freely: it tells what is forbidden, and allows nothing by itself
_WEAK = frozenset({"name", "versions"})
_LOWER = frozenset({"sha256", "repo", "commit", "hub", "host"})


def read(data: bytes, name: str, schema: str) -> Policy:
    """Return the policy in ``data``; ``name`` is how the user named it, ``schema`` JSON.

    Raises FormatError with one line that says what is wrong, where, and on which line.
    """
    if len(data) > MAX_SIZE:
        raise FormatError(f"larger than {MAX_SIZE >> 20} MiB, the most that a policy has")
    try:
        document, lines = yamltext.load_texts(data), yamltext.places(data)
    except yamltext.YAMLError as error:
        line, said = yamltext.mistake(error)
        raise FormatError(
            f"line {line}: not YAML: {said}" if line else f"not YAML: {said}"
        ) from None
    reader = _Reader(lines)
    reader.check(document, schema)
    return reader.policy(document, name)


class _Reader:
    """One document being read: its lines, so that errors and entries can name theirs."""

    def __init__(self, lines: Mapping[Place, int]) -> None:
        self._lines = lines

    def check(self, document: Any, schema: str) -> None:
        """Hold the document against the schema. Raises FormatError for the first error."""
        if not isinstance(document, dict):
            raise FormatError("not a policy: it holds no mapping (version: 1, allow: ...)")
        try:
            _validator(schema).validate(document)
        except jsonschema_rs.ValidationError as error:
            raise self._error(*_told(error)) from None

    def _error(self, place: Place, message: str) -> FormatError:
        where = _written(place) or "top level"
        return FormatError(f"line {self._line(place)}: {where}: {printable(message, 300)}")

    def _line(self, place: Place) -> int:
        return self._lines.get(place, 1)

    def policy(self, document: dict[str, Any], name: str) -> Policy:
        """Return the policy of a document that the schema allows. Raises FormatError."""
        owner = document.get("owner", "")
        policy = Policy(
            name=name,
            allow=tuple(self._entries(document, "allow", owner)),
            forbid=tuple(self._entries(document, "forbid", owner)),
            complete=tuple(document.get("allow", {})),
            severities=tuple(self._settings(document.get("severities", {}))),
            exceptions=tuple(self._waivers(document.get("exceptions", []), owner)),
        )
        _check_size(policy)
        return policy

    def _entries(self, document: dict[str, Any], part: str, owner: str) -> Iterator[Entry]:
        for category, entries in document.get(part, {}).items():
            for number, entry in enumerate(entries):
                place = (part, category, number)
                self._check_selectors(place, entry, allowing=part == "allow")
                if part == "allow" and not entry.get("owner", owner):
                    raise self._error(place, "no owner, and the policy has none")
                if part == "forbid" and "expires" in entry:
                    raise self._error(place, "what is forbidden does not expire")
                yield Entry(
                    category=cast("Category", category),
                    place=_written(place),
                    line=self._line(place),
                    **self._values(place, {"owner": owner, **entry}),
                )

    def _check_selectors(self, place: Place, entry: dict[str, Any], *, allowing: bool) -> None:
        if place[1] in _WHOLE:
            return
        chosen = set(entry) - _SAID - _NARROWING
        if not chosen:
            raise self._error(place, "it names nothing (sha256, purl, repo, host ...)")
        if "versions" in chosen and "purl" not in chosen:
            raise self._error(place, "versions needs a purl")
        if allowing and chosen <= _WEAK:
            raise self._error(place, "a name alone allows nothing; add sha256, purl, path or host")

    def _values(self, place: Place, entry: dict[str, Any]) -> dict[str, Any]:
        """Return the fields of an entry or exception: lists as tuples, dates as dates."""
        found: dict[str, Any] = {}
        for key, value in entry.items():
            if key == "expires":
                found[key] = self._date((*place, key), value)
            elif key in ("reason", "owner", "versions", "fingerprint"):
                found[key] = value
            else:
                several = (value,) if isinstance(value, str) else tuple(value)
                lower = key in _LOWER
                found[key] = tuple(v.lower() if lower else v for v in several)
        self._check_packages(place, found)
        return found

    def _date(self, place: Place, value: str) -> date:
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise self._error(place, f"{value!r} is no day ({error})") from None

    def _check_packages(self, place: Place, found: dict[str, Any]) -> None:
        try:
            kinds = {purlpatterns.fields(purl).type for purl in found.get("purl", ())}
            versions = SpecifierSet(found.get("versions", ""))
        except (FormatError, InvalidSpecifier) as error:
            raise self._error(place, str(error)) from None
        if versions and kinds != {"pypi"}:
            raise self._error(place, "versions is for pkg:pypi; elsewhere say NAME@1.*")

    def _settings(self, severities: dict[str, Any]) -> Iterator[Setting]:
        for kind, value in severities.items():
            said = {"severity": value} if isinstance(value, str) else value
            line = self._line(("severities", kind))
            severity = cast("Severity", said["severity"])
            yield Setting(kind, severity, line, said.get("reason", ""))

    def _waivers(self, waivers: list[dict[str, Any]], owner: str) -> Iterator[Waiver]:
        for number, waiver in enumerate(waivers):
            place = ("exceptions", number)
            if not waiver.get("owner", owner):
                raise self._error(place, "no owner, and the policy has none")
            about = {"name", "purl", "sha256", "host"} & set(waiver)
            if "fingerprint" in waiver:
                if about or "finding" in waiver:
                    raise self._error(place, "a fingerprint names one finding; nothing beside it")
            elif not about or "finding" not in waiver:
                raise self._error(
                    place, "it needs a fingerprint, or finding with name, purl, sha256 or host"
                )
            values = self._values(place, {"owner": owner, **waiver})
            values["findings"] = values.pop("finding", ())
            yield Waiver(place=_written(place), line=self._line(place), **values)


def _check_size(policy: Policy) -> None:
    entries: tuple[Entry | Waiver, ...] = (*policy.allow, *policy.forbid, *policy.exceptions)
    count = len(entries) + len(policy.severities)
    if count > MAX_ENTRIES:
        raise FormatError(f"{count} entries, more than the {MAX_ENTRIES} that a policy has")
    patterns = sum(any("*" in value for value in entry.patterns) for entry in entries)
    if patterns > MAX_PATTERNS:
        raise FormatError(f"{patterns} entries with patterns, more than {MAX_PATTERNS}")


def _told(error: jsonschema_rs.ValidationError) -> tuple[Place, str]:
    """Return where an error of the schema is, and what it is, for who wrote the policy."""
    place = tuple(error.instance_path)
    unexpected = getattr(error.kind, "unexpected", None)
    if unexpected:
        return (*place, str(unexpected[0])), "nothing is called so here"
    if place[:1] == ("severities",) and error.instance == "off":
        return place, "off needs a reason: {severity: off, reason: ...}"
    return place, error.message


def _written(place: Place) -> str:
    """Return a place as people write it: ``allow.models[2].reason``."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return printable("".join(parts).removeprefix("."), 200)


@cache
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
