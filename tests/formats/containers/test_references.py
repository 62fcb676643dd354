"""Names of images: the cases of distribution/reference, and any text at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.containers import reference
from aibom.formats.containers.reference import Reference
from aibom.formats.source import FormatError

SHA = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag", "digest"),
    [
        ("debian", "docker.io", "library/debian", "latest", ""),
        ("debian:12", "docker.io", "library/debian", "12", ""),
        ("team/app", "docker.io", "team/app", "latest", ""),
        ("docker.io/debian", "docker.io", "library/debian", "latest", ""),
        ("index.docker.io/team/app", "docker.io", "team/app", "latest", ""),
        ("localhost/app", "localhost", "app", "latest", ""),
        ("localhost:5000/app:1", "localhost:5000", "app", "1", ""),
        ("LOCALHOST/app", "LOCALHOST", "app", "latest", ""),
        ("Registry/app", "Registry", "app", "latest", ""),
        ("127.0.0.1:5000/app", "127.0.0.1:5000", "app", "latest", ""),
        ("[::1]:5000/a/b", "[::1]:5000", "a/b", "latest", ""),
        ("ghcr.io/o/a__b/c-d.e:v1.2_3-x", "ghcr.io", "o/a__b/c-d.e", "v1.2_3-x", ""),
        (f"debian@{SHA}", "docker.io", "library/debian", "", SHA),
        (f"ghcr.io/o/a:1@{SHA}", "ghcr.io", "o/a", "1", SHA),
        ("a" * 64 + ":1/x", "a" * 64 + ":1", "x", "latest", ""),
    ],
)
def test_names(text: str, registry: str, repository: str, tag: str, digest: str) -> None:
    found = reference.parse(text)
    assert found == Reference(registry, repository, tag, digest)
    assert found.target == (digest or tag)
    assert reference.parse(str(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "a/",
        "/a",
        "a//b",
        "Debian",
        "team/App",
        "a:",
        "a:-x",
        "a:" + "x" * 129,
        "a@sha256:abc",
        "a@md5:" + "a" * 32,
        f"a@{SHA.upper()}",
        f"a@{SHA}@{SHA}",
        "a" * 64,
        "host:port/a",
        "host:123456/a",
        "-host.io/a",
        "host.io/a..b",
        "host.io/a/../b",
        "host.io/a___b",
        "user@host.io/a",
        "https://host.io/a",
        "host.io/a?b",
        "host.io/a b",
        "h.io/" + "a" * 256,
        "[::1/a",
        "a\n",
        "h.io/" + "a-" * 400,
    ],
)
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(FormatError):
        reference.parse(text)


@given(st.text(st.sampled_from("aZ9.:/@-_[]sha256:\n"), max_size=60) | st.text(max_size=60))
def test_any_text_is_a_name_or_none(text: str) -> None:
    try:
        found = reference.parse(text)
    except FormatError:
        return
    assert reference.parse(str(found)) == found
    assert not {"/..", "?", "#", "\n", " "} & {found.repository, *found.repository}
