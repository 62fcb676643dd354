"""Tokens and credential files: whose they are, and nothing that grants anything."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.identity import google, jwt
from aibom.formats.identity.jwt import Bearer

SUBJECT = "system:serviceaccount:shop:bot"
ISSUER = "https://kubernetes.default.svc.cluster.local"
LEGACY = {
    "iss": "kubernetes/serviceaccount",
    "kubernetes.io/serviceaccount/namespace": "shop",
    "kubernetes.io/serviceaccount/service-account.name": "bot",
    "kubernetes.io/serviceaccount/secret.name": "bot-token-x",
}
ACCOUNT = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/bot@shop.iam"


def part(value: Any) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")


def token(claims: Any) -> bytes:
    return part({"alg": "RS256"}) + b"." + part(claims) + b".c2VjcmV0LXNpZ25hdHVyZQ"


@pytest.mark.parametrize(
    ("claims", "bearer"),
    [
        ({"iss": ISSUER, "sub": SUBJECT, "aud": ["x"], "exp": 1}, Bearer(SUBJECT, ISSUER)),
        (LEGACY, Bearer(SUBJECT, "kubernetes/serviceaccount")),
        ({"sub": "somebody"}, Bearer("somebody", "")),
        ({"iss": ISSUER}, None),
        ({"sub": ["a"]}, None),
        ([SUBJECT], None),
    ],
)
def test_whom_a_token_names(claims: Any, bearer: Bearer | None) -> None:
    assert jwt.bearer_of(token(claims) + b"\n") == bearer


@pytest.mark.parametrize("data", [b"", b"a.b", b"a.b.c.d", b"a.!.c", b"a.YQ.c", b"\xff.\xff.\xff"])
def test_what_is_no_token(data: bytes) -> None:
    assert jwt.bearer_of(data) is None
    assert jwt.without_secrets(data) is None


@pytest.mark.parametrize(
    ("subject", "is_one"),
    [(SUBJECT, True), ("system:serviceaccount:bot", False), ("system:node:a", False)],
)
def test_which_subjects_are_service_accounts(subject: str, is_one: bool) -> None:
    assert Bearer(subject, "").is_service_account is is_one


@pytest.mark.parametrize("claims", [LEGACY, {"iss": ISSUER, "sub": SUBJECT, "jti": "secret-id"}])
def test_a_token_without_secrets_names_the_same_and_grants_nothing(claims: dict[str, str]) -> None:
    kept = jwt.without_secrets(token(claims))
    assert kept is not None
    assert jwt.bearer_of(kept + bytes(100)) == jwt.bearer_of(token(claims))
    text = base64.urlsafe_b64decode(kept.split(b".")[1] + b"==")
    assert b"secret" not in text
    assert kept.startswith(b".")
    assert kept.endswith(b".")


@given(st.binary(max_size=400))
def test_any_bytes_name_somebody_or_nobody(data: bytes) -> None:
    jwt.bearer_of(data)
    jwt.bearer_of(b"a." + base64.urlsafe_b64encode(data) + b".c")
    google.account_of(data)


@pytest.mark.parametrize(
    ("document", "bearer"),
    [
        ({"type": "service_account", "client_email": "bot@shop.iam", "private_key": "KEY"},
         Bearer("bot@shop.iam", "https://accounts.google.com")),
        ({"type": "external_account", "audience": "//iam/pools/p",
          "service_account_impersonation_url": f"{ACCOUNT}:generateAccessToken"},
         Bearer("bot@shop.iam", "//iam/pools/p")),
        ({"type": "external_account", "audience": "//iam/pools/p"},
         Bearer("//iam/pools/p", "//iam/pools/p")),
        ({"type": "impersonated_service_account",
          "service_account_impersonation_url": f"{ACCOUNT}:generateAccessToken",
          "source_credentials": {"refresh_token": "KEY"}},
         Bearer("bot@shop.iam", "https://accounts.google.com")),
        ({"type": "authorized_user", "client_id": "x", "refresh_token": "KEY"}, None),
        ({"type": "service_account"}, None),
        ({"client_email": "a@b"}, None),
    ],
)  # fmt: skip
def test_whose_credentials_a_file_holds(document: dict[str, Any], bearer: Bearer | None) -> None:
    data = json.dumps(document).encode()
    assert google.account_of(data) == bearer
    if bearer is not None:
        kept = google.without_secrets(data)
        assert kept is not None
        assert b"KEY" not in kept
        assert google.account_of(kept + bytes(50)) == bearer
