"""Which loaded package requires which: so that one finding can be told for one cause."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from packaging.utils import canonicalize_name

from aibom.identify.software import package_url
from aibom.types.facts import ProcessFacts
from aibom.types.inventory import Component, Link
from aibom.types.packages import Package


def requirement_links(
    members: Iterable[ProcessFacts], components: Iterable[Component]
) -> set[Link]:
    """Return a link from each package to those of its direct dependencies that were seen, too."""
    members = tuple(members)
    packages = {
        package_url(loaded.package): loaded.package
        for found in members
        for loaded in found.packages
    }
    bridges = {name: requires for found in members for name, requires in found.bridges}
    refs = {component.ref for component in components}
    seen = {ref: package for ref, package in packages.items() if ref in refs}
    by_name: dict[tuple[str, str], list[str]] = defaultdict(list)
    for ref, package in seen.items():
        by_name[_key(package, package.name)].append(ref)
    return {
        Link(ref, target)
        for ref, package in seen.items()
        for name in _reached(package, by_name, bridges)
        for target in by_name.get(_key(package, name), ())
        if target != ref
    }


def _reached(
    package: Package,
    seen: Mapping[tuple[str, str], list[str]],
    bridges: Mapping[str, tuple[str, ...]],
) -> set[str]:
    """Return the names that a package requires, itself or over what is installed and not loaded."""
    found: set[str] = set()
    waiting = list(package.requires)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        if package.ecosystem == "pypi" and _key(package, name) not in seen:
            waiting += bridges.get(name, ())
    return found


def _key(package: Package, name: str) -> tuple[str, str]:
    known = canonicalize_name(name) if package.ecosystem == "pypi" else name
    return package.ecosystem, known
