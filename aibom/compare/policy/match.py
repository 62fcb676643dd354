"""Which entries of a policy name a thing: by hash, purl, repository, path, host; never by claims.

What allows has to be proven; what forbids takes a claim at its word.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date

from aibom.compare.policy.index import Index
from aibom.compare.policy.traits import Traits, of_component, of_service
from aibom.formats.packages import purlpatterns, versions
from aibom.formats.patterns import matches, matches_fields
from aibom.types.inventory import Component, Service
from aibom.types.policy import Allowed, Category, Entry, Policy

_KINDS: Mapping[Category, frozenset[str]] = {
    "models": frozenset({"model", "adapter", "data"}),
    "packages": frozenset({"framework", "package", "agent"}),
    "mcp-servers": frozenset({"mcp-server"}),
    "licences": frozenset({"model", "adapter", "data"}),
}
_ROLES: Mapping[Category, frozenset[str]] = {
    "mcp-servers": frozenset({"mcp-server", "mcp-endpoint"}),
    "model-apis": frozenset({"model-api"}),
    "sources": frozenset({"model-hub", "package-registry"}),
}
#: Categories whose entries name things; the others say what things must be like.
NAMING: tuple[Category, ...] = ("models", "packages", "mcp-servers", "model-apis", "sources")


def belongs(traits: Traits, category: Category) -> bool:
    """Say whether a category of ``allow`` is about a thing."""
    if traits.kind == "service":
        return traits.role in _ROLES.get(category, ())
    if category == "sources":
        return bool(traits.hubs)
    return category == "origins" or traits.kind in _KINDS.get(category, ())


def covers(entry: Entry, traits: Traits) -> bool:
    """Say whether an entry's ``kinds`` are those of a thing; without any the category's are."""
    if not entry.kinds:
        return belongs(traits, entry.category)
    return traits.kind in entry.kinds


def meets(entry: Entry, traits: Traits, *, proven: bool) -> bool:
    """Say whether a thing is what all the selectors of an entry say.

    ``proven`` asks for what the thing's content or place prove; else what it claims will do.
    """
    if entry.category == "sources":  # files come from a hub, connections go to its hosts
        by = _by_host if traits.kind == "service" else _by_hub
        return by(entry, traits, proven)
    return all(check(entry, traits, proven) for name, check in _CHECKS if getattr(entry, name))


def _by_content(entry: Entry, traits: Traits, proven: bool) -> bool:
    # of a model in several files every file must be named, and one that is forbidden is enough
    if proven:
        return traits.hashed and traits.digests <= set(entry.sha256)
    return not traits.digests.isdisjoint(entry.sha256)


def _by_package(entry: Entry, traits: Traits, _: bool) -> bool:
    purl = traits.purl
    return (
        purl is not None
        and any(purlpatterns.names(purlpatterns.fields(p), purl) for p in entry.purl)
        and (not entry.versions or versions.allows(purl.type, entry.versions, purl.version))
    )


def _by_source(entry: Entry, traits: Traits, proven: bool) -> bool:
    if proven and not traits.proven:
        return False
    return any(
        (not entry.repo or any(matches_fields(p, source.repo, "/") for p in entry.repo))
        and (not entry.commit or any(matches(p, source.commit) for p in entry.commit))
        for source in traits.sources
    )


def _by_hub(entry: Entry, traits: Traits, proven: bool) -> bool:
    if proven and not traits.proven:
        return False
    return any(matches(p, hub) for p in entry.hub for hub in traits.hubs)


def _by_path(entry: Entry, traits: Traits, proven: bool) -> bool:
    # whoever may write to a container may give a file any path
    if proven and traits.origin != "image-layer":
        return False
    named = [any(matches_fields(p, path, "/") for p in entry.path) for path in traits.paths]
    return bool(named) and (all(named) if proven else any(named))


def _by_host(entry: Entry, traits: Traits, _: bool) -> bool:
    return any(matches_fields(p, host, ".") for p in entry.host for host in traits.hosts)


def _by_words(entry: Entry, traits: Traits, _: bool) -> bool:
    return (
        (not entry.provider or any(matches(p, traits.provider) for p in entry.provider))
        and (not entry.name or any(matches(p, traits.name) for p in entry.name))
        and (not entry.origins or traits.origin in entry.origins)
    )


# what is asked of a thing, by the selectors that an entry has
_CHECKS: tuple[tuple[str, Callable[[Entry, Traits, bool], bool]], ...] = (
    ("sha256", _by_content),
    ("purl", _by_package),
    ("repo", _by_source),
    ("commit", _by_source),
    ("hub", _by_hub),
    ("path", _by_path),
    ("host", _by_host),
    ("provider", _by_words),
    ("name", _by_words),
    ("origins", _by_words),
)


class Allowing:
    """What a policy allows on a day, asked thing by thing."""

    def __init__(self, policy: Policy, today: date) -> None:
        """Index what ``policy`` allows; ``today`` (UTC) decides what has expired."""
        self._name, self._today = policy.name, today
        self._index = Index(e for e in policy.allow if e.category in NAMING)

    def find(self, thing: Component | Service) -> Allowed | None:
        """Return the entry that allows a component or a destination, or None."""
        if isinstance(thing, Component):
            return self.of(of_component(thing))
        return self.of(of_service(thing))

    def of(self, traits: Traits) -> Allowed | None:
        """Return the first entry that names a thing and holds today; one for its origin is best."""
        found = [e for e in self.naming(traits) if holds(e, self._today)]
        entry = next((e for e in found if e.origins), found[0] if found else None)
        if entry is None:
            return None
        return Allowed(self._name, entry.line, self._said(entry), here=bool(entry.origins))

    def naming(self, traits: Traits) -> Iterator[Entry]:
        """Yield the entries that name a thing and allow it, whether or not they have expired."""
        for entry in self._index.candidates(traits):
            # that a hub is allowed does not allow everything on it
            of_hub = entry.category == "sources" and traits.kind != "service"
            if not of_hub and covers(entry, traits) and meets(entry, traits, proven=True):
                yield entry

    def _said(self, entry: Entry) -> str:
        until = f", until {entry.expires}" if entry.expires else ""
        return f"{entry.place}: {entry.reason} ({entry.owner}{until})"


def holds(entry: Entry, today: date) -> bool:
    """Say whether an entry still holds on a day."""
    return entry.expires is None or today <= entry.expires
