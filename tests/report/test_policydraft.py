"""A first policy: it allows what was observed and nothing else, whatever things are called."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.compare.compare import compare
from aibom.compare.policy.lint import problems
from aibom.formats.documents import policy as policyfile
from aibom.report.policydraft import draft
from aibom.types.inventory import Component, Inventory, Service
from aibom.types.policy import Policy
from tests import make

SCHEMA = (Path(__file__).parents[2] / "schemas" / "aibom-policy.schema.json").read_text()
UNTIL = date(2027, 2, 19)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
NOTHING: list[Any] = []


def drafted(inventory: Inventory) -> Policy:
    text = draft(inventory, "ml@acme.example", UNTIL, "observed.cdx.json")
    assert text == draft(inventory, "ml@acme.example", UNTIL, "observed.cdx.json")
    return policyfile.read(text.encode(), "aibom.yaml", SCHEMA)


def api(host: str = "api.acme.example", role: str = "model-api") -> Service:
    endpoints = (f"tls://{host}:443",)
    return Service(f"service:{role}/acme:{host}:443", "Acme", "", "", endpoints, role=role)


def everything() -> Inventory:
    return make.inventory(
        make.component("model", "volume", ref="m", purl=f"pkg:huggingface/acme/llama@{COMMIT}"),
        make.component("adapter", "writable-layer", ref="a", name='yes: "no"\n# !'),
        make.component("framework", "writable-layer", ref="f", purl="pkg:pypi/torch@2.1%2Bcpu"),
        make.component("framework", "writable-layer", ref="p", purl="", within="f"),
        make.component("package", "writable-layer", ref="l", purl="pkg:npm/%40a/b@1.0.0"),
        make.component("agent", "volume", ref="g", purl="", sha256="cd" * 32),
        make.component("mcp-server", "host", ref="s", purl="pkg:npm/%40acme/time@2.0.0"),
        make.component("device", "unknown", ref="d", purl="", type="device"),
        services=(
            api(),
            api("mcp.acme.example", "mcp-endpoint"),
            api("huggingface.co", "model-hub"),
            api("pypi.org", "package-registry"),
        ),
    )


def kinds_of(inventory: Inventory, policy: Policy) -> set[str]:
    return {f.kind.name for f in compare(inventory, NOTHING, policy, UNTIL).findings}


def test_what_was_observed_is_allowed_and_anything_else_is_not() -> None:
    first = everything()
    policy = drafted(first)
    assert kinds_of(first, policy) == {"outside-image"}
    assert {p.message for p in problems(policy, UNTIL)} == {"the reason is still to be written"}
    by_category = {entry.category: entry for entry in policy.allow if entry.place.endswith("[0]")}
    model = by_category["models"]
    assert (model.repo, model.commit, model.sha256) == (
        ("acme/llama",),
        (COMMIT,),
        (make.DIGEST,),
    )
    assert {entry.expires for entry in policy.allow} == {UNTIL}


@pytest.mark.parametrize(
    ("drifted", "kind"),
    [
        (make.component("adapter", "volume", ref="n", sha256="", files=()), "undeclared-adapter"),
        (make.component("package", "host", ref="n", purl="pkg:npm/%40a/b@1.0.1"), ""),
        (make.component("mcp-server", "host", ref="n", purl="pkg:npm/other@1"), ""),
        (api("api.other.example"), "undeclared-model-api"),
        (api("mirror.other.example", "model-hub"), "undeclared-download-source"),
    ],
)
def test_drift_is_found(drifted: Component | Service, kind: str) -> None:
    policy = drafted(everything())
    if isinstance(drifted, Component):
        later = make.inventory(drifted)
        kind = kind or f"undeclared-{drifted.kind}"
    else:
        later = make.inventory(services=(drifted,))
    assert kinds_of(later, policy) == {kind}


def test_an_empty_inventory_allows_what_it_must_not_forbid() -> None:
    policy = drafted(make.inventory())
    assert (policy.allow, policy.complete) == ((), ())


@pytest.mark.parametrize("name", ["*", "a*", "%2A"])
def test_nothing_becomes_a_pattern_by_its_name(name: str) -> None:
    planted = make.component("package", "volume", purl=f"pkg:npm/{name}@1")
    host = Service("service:x:*:443", "x", "", "", (f"tls://{name}:443",), role="model-api")
    policy = drafted(make.inventory(planted, services=(host,)))
    other = make.component("package", "volume", purl="pkg:npm/another@1")
    assert "undeclared-package" in kinds_of(make.inventory(other), policy)
    assert not any("*" in value for e in policy.allow for value in (*e.purl, *e.host, *e.path))


_TEXTS = st.text(max_size=30)


@given(_TEXTS, _TEXTS, _TEXTS)
@settings(max_examples=100, deadline=None)
def test_whatever_things_are_called_the_draft_can_be_read(name: str, purl: str, host: str) -> None:
    things = [
        make.component(kind, "volume", ref=kind, name=name, purl=text, files=(), sha256="")
        for kind, text in (("model", purl), ("package", f"pkg:npm/{purl}@1"), ("agent", ""))
    ]
    service = Service("service:a:b:1", name, "", "", (f"tls://{host}:1",), role="model-api")
    policy = drafted(make.inventory(*things, services=(service,)))
    assert len(policy.allow) <= 4
