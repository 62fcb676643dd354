"""Policies for tests: YAML in, what a comparison says of it out."""

from datetime import date
from pathlib import Path
from textwrap import dedent

from aibom.compare.compare import compare
from aibom.formats.documents import policy as policyfile
from aibom.types.declared import Claim
from aibom.types.findings import Assessment, Finding
from aibom.types.inventory import Component, Inventory, Service
from aibom.types.policy import Policy
from tests import make

SCHEMA = (Path(__file__).parents[2] / "schemas" / "aibom-policy.schema.json").read_text()
TODAY = date(2026, 11, 21)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPO = f"pkg:huggingface/acme/llama@{COMMIT}"
FOR = "reason: reviewed"


def read(text: str) -> Policy:
    """Return a policy; version and owner need not be said."""
    whole = f"version: 1\nowner: ml@acme.example\n{dedent(text)}"
    return policyfile.read(whole.encode(), "aibom.yaml", SCHEMA)


def compared(
    text: str,
    *things: Component | Service,
    claims: list[Claim] | None = None,
    today: date = TODAY,
) -> Assessment:
    return compare(given(*things), make.given(claims), read(text), today)


def given(*things: Component | Service) -> Inventory:
    components = (t for t in things if isinstance(t, Component))
    services = (t for t in things if isinstance(t, Service))
    return make.inventory(*components, services=tuple(services))


def found(assessment: Assessment) -> list[tuple[str, str]]:
    """Return kind and severity of the findings that fail a run, or are worth a note."""
    return [(f.kind.name, f.severity) for f in assessment.findings if not f.accepted]


def accepted(assessment: Assessment) -> list[Finding]:
    return [f for f in assessment.findings if f.accepted]


def service(role: str = "model-api", host: str = "api.acme.example", name: str = "Acme") -> Service:
    return Service(
        ref=f"service:{role}/acme:{host}:443",
        name=name,
        component="",
        transport="",
        endpoints=(f"tls://{host}:443",),
        role=role,
        provider="Acme",
    )


def hub(*, verified: bool = True, claim: str = "records", repo: str = "acme/llama") -> tuple:
    return (
        ("aibom:hub", "huggingface"),
        ("aibom:hub:repository", repo),
        ("aibom:hub:commit", COMMIT),
        ("aibom:hub:claim", claim),
        ("aibom:hub:verified", str(verified).lower()),
    )
