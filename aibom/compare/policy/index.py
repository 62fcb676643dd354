"""Entries of a policy by what they name, so that asking about a thing takes no search."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from aibom.compare.policy.traits import Traits
from aibom.formats.packages import purlpatterns
from aibom.types.policy import Entry

_Key = tuple[str, str]


class Index:
    """Entries by hash, purl, repository and host; those with patterns are tried one by one."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        """Index entries of ``allow`` or of ``forbid``."""
        self._exact: dict[_Key, list[tuple[int, Entry]]] = defaultdict(list)
        self._patterns: list[tuple[int, Entry]] = []
        for number, entry in enumerate(entries):
            keys = _asked(entry)
            for key, narrowed in keys:
                self._exact[key].append((number, narrowed))
            if not keys:
                self._patterns.append((number, entry))

    def candidates(self, traits: Traits) -> Iterator[Entry]:
        """Yield the entries that may name a thing, in the policy's order.

        One that lists many packages comes with those only that may be the thing.
        """
        exact = (pair for key in _known(traits) for pair in self._exact.get(key, ()))
        found = {(number, entry.purl): entry for number, entry in (*exact, *self._patterns)}
        yield from (found[key] for key in sorted(found))


def _asked(entry: Entry) -> list[tuple[_Key, Entry]]:
    """Return values one of which a thing must have, without wildcards; else nothing."""
    purls = [(purlpatterns.fields(p), p) for p in entry.purl]
    for keys in (
        [(("sha256", digest), entry) for digest in entry.sha256],
        [(("purl", f"{f.type}/{f.path}"), replace(entry, purl=(p,))) for f, p in purls],
        [(("repo", repo), entry) for repo in entry.repo],
        [(("host", host), entry) for host in entry.host],
    ):
        if keys and not any("*" in key[1] for key, _ in keys):
            return keys
    return []


def _known(traits: Traits) -> Iterator[_Key]:
    yield from (("sha256", digest) for digest in traits.digests)
    if traits.purl is not None:
        yield "purl", f"{traits.purl.type}/{traits.purl.path}"
    yield from (("repo", repo) for repo in {s.repo for s in traits.sources})
    yield from (("host", host) for host in traits.hosts)
