"""Files of logins as docker, podman and skopeo write them, and broken ones."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.containers import logins, reference
from aibom.formats.containers.logins import HUB_KEY, Login
from aibom.formats.source import FormatError


def pair(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def dump(**members: Any) -> bytes:
    return json.dumps(members).encode()


AUTHS = {
    HUB_KEY: {"auth": pair("hub:1")},
    "https://old.example/v2/": {"auth": pair("old:1")},
    "ghcr.io": {"auth": pair("host:a:b")},
    "ghcr.io/team": {"auth": pair("team:1\0\0")},
    "ghcr.io/team/app": {"username": "app", "password": "1"},
    "tokens.example": {"identitytoken": "long", "auth": pair("x:")},
    "empty.example": {},
}


@pytest.mark.parametrize(
    ("image", "login"),
    [
        ("debian", Login("hub", "1")),
        ("old.example/a", Login("old", "1")),
        ("ghcr.io/other/app", Login("host", "a:b")),
        ("ghcr.io/team/x", Login("team", "1")),
        ("ghcr.io/team/app", Login("app", "1")),
        ("ghcr.io/team/app/deeper", Login("app", "1")),
        ("ghcr.io/team-b/app", Login("host", "a:b")),
        ("tokens.example/a", Login("x", "", "long")),
        ("empty.example/a", None),
        ("ghcr.io:443/a", None),
        ("xghcr.io/a", None),
    ],
)
def test_the_longest_name_decides(image: str, login: Login | None) -> None:
    assert logins.parse(dump(auths=AUTHS)).login(reference.parse(image)) == login


def test_helpers() -> None:
    file = logins.parse(dump(credHelpers={HUB_KEY: "hub", "ghcr.io": "gh"}, credsStore="desktop"))
    names = {image: file.helper(reference.parse(image)) for image in ("a", "ghcr.io/a", "x.io/a")}
    assert names == {"a": "hub", "ghcr.io/a": "gh", "x.io/a": "desktop"}


@pytest.mark.parametrize("name", ["../evil", "/bin/sh", "a/b", "-x", "", "a" * 65, 5, ["a"]])
def test_a_helper_is_a_name_and_no_path(name: object) -> None:
    if name == "":
        assert logins.parse(dump(credsStore=name)).store == ""
        return
    with pytest.raises(FormatError, match="no name of a credential helper"):
        logins.parse(dump(credsStore=name))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cannot be read|empty|not JSON"),
        (b"{", "not JSON: .* at line 1"),
        (b'{"a": 1, "a": 2}', "not JSON that can be read"),
        (dump(auths={"a.io": "text"}), "'a.io' is not an object"),
        (dump(auths={"a.io": {"auth": "s3cret!"}}), "'a.io' is not base64"),
        (dump(auths={"a.io": {"auth": pair("s3cret")}}), "'a.io' is no user and password"),
    ],
)
def test_broken_files_are_told_without_secrets(data: bytes, words: str) -> None:
    with pytest.raises(FormatError, match=words) as caught:
        logins.parse(data)
    assert "s3cret" not in str(caught.value)


def test_a_login_does_not_show_its_secrets() -> None:
    assert "s3cret" not in repr(Login("ann", "s3cret", "s3cret"))


@pytest.mark.parametrize(
    ("data", "login"),
    [
        (dump(ServerURL="x", Username="ann", Secret="1"), Login("ann", "1")),  # noqa: S106
        (dump(Username="<token>", Secret="1"), Login(identity_token="1")),  # noqa: S106
        (dump(Username="ann", Secret=""), None),
        (dump(Username=1, Secret="1"), None),  # noqa: S106
        (b"credentials not found in native keychain\n", None),
        (b"", None),
    ],
)
def test_answers_of_helpers(data: bytes, login: Login | None) -> None:
    assert logins.answer(data) == login


@given(st.data())
def test_mutated_files(data: st.DataObject) -> None:
    good = dump(auths=AUTHS, credHelpers={"a.io": "x"}, credsStore="y")
    at = data.draw(st.integers(0, len(good) - 1))
    broken = data.draw(
        st.sampled_from([good[:at], good[:at] + data.draw(st.binary(max_size=3)) + good[at + 1 :]])
    )
    try:
        found = logins.parse(broken)
    except FormatError:
        return
    found.login(reference.parse("ghcr.io/team/app"))
