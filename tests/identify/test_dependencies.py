"""Which package requires which, over what is installed and was not loaded."""

from typing import Any

from aibom.identify.dependencies import requirement_links
from aibom.types.facts import ProcessFacts
from aibom.types.inventory import Link
from aibom.types.packages import LoadedPackage
from tests import make


def process(*packages: Any, **fields: Any) -> ProcessFacts:
    loaded = tuple(LoadedPackage(p, make.file("/x.py")) for p in packages)
    return make.seen(packages=loaded, **fields)


def links(found: ProcessFacts) -> set[Link]:
    components = [
        make.component("package", ref=f"pkg:pypi/{p.package.name}@2.0") for p in found.packages
    ]
    return requirement_links([found], components)


def test_a_link_for_each_requirement_that_was_loaded() -> None:
    a, b = make.package("a", requires=("b", "missing")), make.package("b")
    assert links(process(a, b)) == {Link("pkg:pypi/a@2.0", "pkg:pypi/b@2.0")}


def test_what_is_installed_and_not_loaded_is_a_bridge() -> None:
    a, c = make.package("a", requires=("b",)), make.package("c")
    bridges = (("b", ("b2", "a")), ("b2", ("c", "b")))
    assert links(process(a, c, bridges=bridges)) == {Link("pkg:pypi/a@2.0", "pkg:pypi/c@2.0")}
    assert links(process(a, c)) == set()


def test_npm_requires_npm_only() -> None:
    a = make.package("a", ecosystem="npm", requires=("b",))
    assert links(process(a, make.package("b"), bridges=(("b", ("c",)),))) == set()
