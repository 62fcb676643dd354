"""Package URLs that are made of names, and the hosts of URLs."""

import pytest

from aibom.formats.net.urls import host_of
from aibom.formats.packages import purl


@pytest.mark.parametrize(
    ("kind", "name", "version", "made"),
    [
        ("pypi", "Foo_Bar", "1.0", "pkg:pypi/foo-bar@1.0"),
        ("npm", "@Acme/Left-Pad", "", "pkg:npm/%40acme/left-pad"),
        ("huggingface", "Acme/Chat", "ABC", "pkg:huggingface/acme/chat@abc"),
        ("huggingface", "gpt2", "", "pkg:huggingface/gpt2"),
        ("npm", "", "1", ""),
        ("pypi", "a/", "1", ""),
    ],
)
def test_a_name_becomes_a_purl(kind: str, name: str, version: str, made: str) -> None:
    assert purl.named(kind, name, version) == made


@pytest.mark.parametrize(
    ("image", "made"),
    [
        ("r.example:5000/a/App:1@sha256:ab", "pkg:oci/app@sha256%3Aab"),
        ("app@sha256:ab", "pkg:oci/app@sha256%3Aab"),
        ("app:1", ""),
        ("@sha256:ab", ""),
    ],
)
def test_an_image_becomes_a_purl_by_its_digest(image: str, made: str) -> None:
    assert purl.of_image(image).replace("sha256:", "sha256%3A") == made


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://User:p@ss@PyPI.Example:8443/simple?x=//y", "pypi.example"),
        ("//hub.example.", "hub.example"),
        ("http://[2001:DB8::1]:80/", "2001:db8::1"),
        ("git+ssh://git@git.example/a/b.git#c", "git.example"),
        ("git+ssh://git@git.example:owner/name.git", "git.example"),
        ("git@git.example:owner/name.git", ""),
        ("example.org/path", ""),
        ("", ""),
    ],
)
def test_the_host_of_a_url(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize("name", ["/", "//", " ", "", "\ud800", "a\udcff"])
@pytest.mark.parametrize("kind", ["pypi", "npm", "apk", "oci", "golang", "huggingface"])
def test_what_is_no_name_has_no_purl(kind: str, name: str) -> None:
    assert purl.spelled(kind, "", name, "1") == ""
    assert purl.named(kind, name, "1") == ""
