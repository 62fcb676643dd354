"""Logins for registries: docker's config.json and the auth.json of podman, skopeo and buildah.

docker/cli, cli/config/configfile/file.go; containers-auth.json(5) of containers/image.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aibom.formats.containers.reference import DOCKER_HUB, Reference
from aibom.formats.documents import jsondoc
from aibom.formats.jsontext import object_of
from aibom.formats.source import FormatError

#: What Docker Hub is called in ``auths``, and how credential helpers are asked for it
#: (docker/cli, registry.IndexServer).
HUB_KEY = "https://index.docker.io/v1/"

# the program is docker-credential-NAME: a name with a slash would be a program of any place
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HUB_HOSTS = frozenset({"index.docker.io", "registry-1.docker.io"})
# the user's name that a helper gives with an identity token (docker/docker-credential-helpers)
_TOKEN_USER = "<token>"  # noqa: S105 - it is a mark, no secret


@dataclass(frozen=True, slots=True)
class Login:
    """Who to be at a registry: a user with a password, or an identity token to be exchanged."""

    user: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class LoginFile:
    """A file of logins: by registry or the beginning of a repository's name, or where to ask.

    ``helpers`` are names of credential helpers by registry, ``store`` the one for all others.
    """

    logins: Mapping[str, Login] = field(default_factory=dict)
    helpers: Mapping[str, str] = field(default_factory=dict)
    store: str = ""

    def login(self, image: Reference) -> Login | None:
        """Return the login for an image: that of the longest name that its own begins with."""
        name = f"{image.registry}/{image.repository}"
        while name:
            if name in self.logins:
                return self.logins[name]
            name = name.rpartition("/")[0]
        return None

    def helper(self, image: Reference) -> str:
        """Return the name of the credential helper to ask for an image; empty when none is."""
        return self.helpers.get(image.registry, self.store)


def parse(data: bytes) -> LoginFile:
    """Return the logins of a file. Raises FormatError, whose message tells no secret."""
    try:
        document = jsondoc.load(data)
    except FormatError as error:
        # a message about a duplicate key could show a part of what is secret
        place = str(error) if str(error).startswith("not JSON") else "not JSON that can be read"
        raise FormatError(place) from None
    auths, helpers = object_of(document, "auths"), object_of(document, "credHelpers")
    found = {_key(name): _login(entry, name) for name, entry in auths.items() if entry}
    store = document.get("credsStore") or ""
    return LoginFile(
        {name: login for name, login in found.items() if login is not None},
        {_key(name): _helper(value) for name, value in helpers.items() if value},
        _helper(store) if store else "",
    )


def answer(data: bytes) -> Login | None:
    """Return the login that a credential helper printed; None when it had none.

    docker/docker-credential-helpers, credentials.Credentials.
    """
    try:
        document = jsondoc.load(data)
    except FormatError:
        return None
    user, secret = document.get("Username"), document.get("Secret")
    if not isinstance(user, str) or not isinstance(secret, str) or not secret:
        return None
    if user == _TOKEN_USER:
        return Login(identity_token=secret)
    return Login(user, secret)


def _key(name: str) -> str:
    """Return a registry's name as images are called by; docker once wrote URLs."""
    scheme, _, rest = name.partition("://")
    if rest and scheme in ("http", "https"):
        name = rest.partition("/")[0]
    name = name.strip("/")
    return DOCKER_HUB if name in _HUB_HOSTS else name


def _login(entry: object, name: str) -> Login | None:
    if not isinstance(entry, dict):
        raise FormatError(f"the entry of {name[:100]!r} is not an object")
    token = _text(entry, "identitytoken")
    user, password = _text(entry, "username"), _text(entry, "password")
    if auth := _text(entry, "auth"):
        try:
            user, colon, password = base64.b64decode(auth, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            raise FormatError(f"the auth of {name[:100]!r} is not base64 text") from None
        if not colon:
            raise FormatError(f"the auth of {name[:100]!r} is no user and password")
        password = password.rstrip("\0")  # docker pads some
    return Login(user, password, token) if token or user else None


def _text(entry: dict[str, Any], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def _helper(value: object) -> str:
    if not isinstance(value, str) or not _HELPER.fullmatch(value):
        raise FormatError(f"{str(value)[:100]!r} is no name of a credential helper")
    return value
