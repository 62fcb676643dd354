"""WWW-Authenticate headers as registries send them, and any text at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.containers import challenge
from aibom.formats.containers.challenge import Challenge

HUB = (
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",'
    'scope="repository:library/debian:pull,push"'
)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", []),
        ("Basic", [("basic", {})]),
        ('Basic realm="a, b"', [("basic", {"realm": "a, b"})]),
        ('basic REALM = "x"', [("basic", {"realm": "x"})]),
        ("Bearer service=plain", [("bearer", {"service": "plain"})]),
        (r'Basic realm="a\"b\\c"', [("basic", {"realm": r'a"b\c'})]),
        ("Negotiate, Basic realm=x", [("negotiate", {}), ("basic", {"realm": "x"})]),
        (
            'Basic realm="x", Bearer realm="y"',
            [("basic", {"realm": "x"}), ("bearer", {"realm": "y"})],
        ),
        ("Basic realm=x, realm=y", [("basic", {"realm": "x"})]),
        ('Basic realm="open', [("basic", {}), ("realm", {})][:1]),
        (
            HUB,
            [
                (
                    "bearer",
                    {
                        "realm": "https://auth.docker.io/token",
                        "service": "registry.docker.io",
                        "scope": "repository:library/debian:pull,push",
                    },
                )
            ],
        ),
    ],
)
def test_headers(header: str, found: list[tuple[str, dict[str, str]]]) -> None:
    assert challenge.parse(header) == [Challenge(*pair) for pair in found]


@given(st.text(st.sampled_from('aB=," \\\t;'), max_size=80) | st.text(max_size=200))
def test_any_header(header: str) -> None:
    for found in challenge.parse(header):
        assert found.scheme == found.scheme.lower()
