"""npm packages that the running one depends on, and several versions of one name."""

from aibom.identify.inventory import identify
from aibom.types.facts import ProcessFacts
from aibom.types.inventory import Inventory
from aibom.types.packages import LoadedBy, LoadedPackage
from aibom.types.processes import Connection
from aibom.types.rules import Clause, Feature, Rule, RuleKind, RuleSet
from tests import make


def rule(kind: RuleKind, name: str, *more: Feature) -> Rule:
    clause = Clause((Feature("loads", "npm", name), *more))
    return Rule(f"{kind}/{name}", name.upper(), kind, "library", (clause,))


RULES = RuleSet(
    (
        rule("model-client", "openai"),
        rule("vector-store", "store"),
        rule("inference-server", "serve", Feature("runs", "program", "node")),
        rule("mcp-server", "mcp-x"),
    ),
    (),
)


def package(name: str, how: LoadedBy, version: str = "1.0") -> LoadedPackage:
    found = make.package(name, version, "npm", integrity="sha512-abc")
    return LoadedPackage(found, make.file(f"/app/node_modules/{name}/package.json"), how)


def inventory(*packages: LoadedPackage) -> Inventory:
    listening = (Connection("0.0.0.0:80"),)
    seen: ProcessFacts = make.seen(packages=packages, connections=listening)
    (found,) = identify(make.node([seen]), RULES)
    return found


def test_a_listed_package_is_named_and_inferred() -> None:
    (found,) = inventory(package("openai", "listed")).components
    assert (found.ref, found.role, found.inferred) == ("pkg:npm/openai@1.0", "model-client", True)
    (evidence,) = found.evidence
    assert (evidence.how, evidence.confidence) == ("listed", 50)
    assert ("aibom:integrity", "sha512-abc") in found.properties


def test_what_is_listed_proves_no_clause_of_several_features_and_serves_nothing() -> None:
    listed = [package(name, "listed") for name in ("store", "serve", "mcp-x")]
    found = inventory(*listed)
    assert [c.name for c in found.components] == ["store"]
    assert found.services == ()


def test_what_is_loaded_needs_nobody_to_list_it() -> None:
    packages = (package("openai", "listed"), package("openai", "opened", "2.0"))
    for order in (packages, packages[::-1]):
        (found,) = inventory(*order).components
        assert (found.version, found.evidence[0].how) == ("2.0", "opened")


def test_two_versions_of_one_name_are_two_components() -> None:
    found = inventory(package("openai", "opened"), package("openai", "opened", "2.0"))
    assert [c.ref for c in found.components] == ["pkg:npm/openai@1.0", "pkg:npm/openai@2.0"]
    assert {c.role for c in found.components} == {"model-client"}
