"""Who a process can act as: every cloud's way of saying it, and what says nothing."""

import errno
import os
from collections.abc import Mapping
from typing import Any, cast

import pytest

from aibom.observe.identities import TOKEN, Identities
from aibom.observe.processes import environment_of
from aibom.types.processes import Identity
from tests import make
from tests.formats.test_identity import ISSUER, LEGACY, SUBJECT, token

UUID, TENANT = "11111111-2222-3333-4444-55555555AAAA", "99999999-2222-3333-4444-555555555555"
ROLE = "arn:aws:iam::123456789012:role/shop/bot"
WEB = "/var/run/secrets/eks.amazonaws.com/serviceaccount/token"
PODS = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token"
OWN = {"iss": ISSUER, "sub": SUBJECT}
POD_URI = "http://169.254.170.23/v1/credentials"


class Files:
    """A host that knows files by their paths, and counts what was opened."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.opened: list[str] = []

    def open_in_root(self, _pid: int, path: str) -> Any:
        self.opened.append(path)
        if path not in self.files:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return _File(self.files[path])


class _File:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]

    def close(self) -> None:
        """Nothing is open."""


def found(
    environment: Mapping[str, str] | None = None, files: Mapping[str, bytes] | None = None
) -> tuple[Identity, ...]:
    process = make.process(environment=dict(environment or {}))
    return Identities(cast("Any", Files(files or {}))).of(process)


@pytest.mark.parametrize(
    ("environment", "files", "identity"),
    [
        ({}, {TOKEN: token(OWN)}, ("kubernetes-service-account", SUBJECT, ISSUER, TOKEN)),
        ({}, {TOKEN: token(LEGACY)},
         ("kubernetes-service-account", SUBJECT, "kubernetes/serviceaccount", TOKEN)),
        ({"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": WEB}, {WEB: token(OWN)},
         ("aws-role", ROLE, ISSUER, "AWS_ROLE_ARN")),
        ({"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": WEB}, {},
         ("aws-role", ROLE, "", "AWS_ROLE_ARN")),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": POD_URI,
          "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": PODS}, {PODS: token(OWN)},
         ("aws-pod-identity", SUBJECT, ISSUER, "AWS_CONTAINER_CREDENTIALS_FULL_URI")),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://[fd00:ec2::23]/v1/credentials",
          "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": PODS}, {PODS: token(OWN)},
         ("aws-pod-identity", SUBJECT, ISSUER, "AWS_CONTAINER_CREDENTIALS_FULL_URI")),
        ({"AZURE_CLIENT_ID": UUID, "AZURE_TENANT_ID": TENANT,
          "AZURE_FEDERATED_TOKEN_FILE": "/t"}, {},
         ("azure-workload-identity", UUID.lower(), TENANT, "AZURE_CLIENT_ID")),
        ({"GOOGLE_APPLICATION_CREDENTIALS": "/k.json"},
         {"/k.json": b'{"type": "service_account", "client_email": "bot@shop.iam"}'},
         ("gcp-service-account", "bot@shop.iam", "https://accounts.google.com",
          "GOOGLE_APPLICATION_CREDENTIALS")),
    ],
)  # fmt: skip
def test_what_is_at_hand(
    environment: dict[str, str], files: dict[str, bytes], identity: tuple[Any, ...]
) -> None:
    assert found(environment, files) == (Identity(*identity),)


@pytest.mark.parametrize(
    ("environment", "files"),
    [
        ({}, {}),
        ({}, {TOKEN: b"opaque"}),
        ({}, {TOKEN: token({"sub": "a person"})}),
        ({"AWS_ROLE_ARN": ROLE}, {}),
        ({"AWS_ROLE_ARN": "arn:aws:iam::1:user/x", "AWS_WEB_IDENTITY_TOKEN_FILE": WEB}, {}),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1/x",
          "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": PODS}, {PODS: token(OWN)}),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://[/",
          "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": PODS}, {PODS: token(OWN)}),
        ({"AZURE_CLIENT_ID": UUID, "AZURE_TENANT_ID": TENANT}, {}),
        ({"AZURE_CLIENT_ID": "x", "AZURE_TENANT_ID": TENANT, "AZURE_FEDERATED_TOKEN_FILE": "/t"},
         {}),
        ({"GOOGLE_APPLICATION_CREDENTIALS": "k.json"}, {"k.json": b"{}"}),
        ({"GOOGLE_APPLICATION_CREDENTIALS": "/etc/shadow"}, {"/etc/shadow": b"root:x"}),
    ],
)  # fmt: skip
def test_what_names_nobody(environment: dict[str, str], files: dict[str, bytes]) -> None:
    assert found(environment, files) == ()


def test_a_place_is_asked_once_and_a_control_character_is_escaped() -> None:
    host = Files({TOKEN: token({"sub": "system:serviceaccount:a:b\x1b[31m"})})
    identities = Identities(cast("Any", host))
    (first,) = identities.of(make.process())
    assert identities.of(make.process(8)) == (first,)
    assert host.opened == [TOKEN]
    assert "\x1b" not in first.subject


def test_of_an_environment_only_what_is_listed_is_kept_and_uris_lose_their_secrets() -> None:
    data = (
        b"AWS_SECRET_ACCESS_KEY=hidden\0AWS_CONTAINER_AUTHORIZATION_TOKEN=hidden\0"
        b"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://u:hidden@169.254.170.23/v1?t=hidden\0"
        b"AZURE_CLIENT_SECRET=hidden\0AWS_ROLE_ARN=" + ROLE.encode()
    )
    kept = environment_of(data)
    assert set(kept) == {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_ROLE_ARN"}
    assert "hidden" not in str(kept)
    assert kept["AWS_ROLE_ARN"] == ROLE


def test_credentials_in_the_place_of_their_path_are_not_kept() -> None:
    key = '{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\\nMIIE"}'
    data = f"GOOGLE_APPLICATION_CREDENTIALS={key}\0HOME=secret\0AZURE_FEDERATED_TOKEN_FILE=eyJ\0"
    assert environment_of(data.encode()) == {}
