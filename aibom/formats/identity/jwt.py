"""What a service account's token says of its bearer (JWT, RFC 7519): never the token itself.

Nothing is verified: a token is in the workload's hands, and so is what it says.
"""

import base64
import binascii
import json
from typing import NamedTuple

from aibom.formats.jsontext import load_object, text_of

#: Largest token that is read, in bytes. Kubernetes' tokens have 1 to 2 kB.
MAX_TOKEN = 16 << 10

# The claims that say who: RFC 7519, 4.1.1 and 4.1.2, and those of tokens that Kubernetes kept in
# Secrets before 1.24 (kubernetes.io, "Managing Service Accounts", legacy tokens)
_LEGACY_NAMESPACE = "kubernetes.io/serviceaccount/namespace"
_LEGACY_NAME = "kubernetes.io/serviceaccount/service-account.name"
_KEPT = ("iss", "sub", _LEGACY_NAMESPACE, _LEGACY_NAME)
_PREFIX = "system:serviceaccount:"


class Bearer(NamedTuple):
    """Whom a token names: ``subject`` in the words of ``issuer``."""

    subject: str
    issuer: str

    @property
    def is_service_account(self) -> bool:
        """Whether the subject is a service account of Kubernetes."""
        # k8s.io/apiserver, pkg/authentication/serviceaccount: ServiceAccountUsernamePrefix
        return self.subject.startswith(_PREFIX) and self.subject.count(":") == 3


def bearer_of(data: bytes) -> Bearer | None:
    """Return whom a token names, or None for what is no token or names nobody.

    Bytes that are zero at the end are left aside, as a replayed recording has them.
    """
    claims = _claims(data)
    if claims is None:
        return None
    subject = text_of(claims, "sub")
    namespace, name = text_of(claims, _LEGACY_NAMESPACE), text_of(claims, _LEGACY_NAME)
    if not subject and namespace and name:
        subject = f"{_PREFIX}{namespace}:{name}"
    return Bearer(subject, text_of(claims, "iss")) if subject else None


def without_secrets(data: bytes) -> bytes | None:
    """Return a token without its signature and with the claims only that are read here.

    It grants nothing, and ``bearer_of`` reads it like the first. None for what is no token.
    """
    claims = _claims(data)
    if claims is None:
        return None
    kept = json.dumps({k: text_of(claims, k) for k in _KEPT if text_of(claims, k)}).encode()
    return b"." + base64.urlsafe_b64encode(kept).rstrip(b"=") + b"."


def _claims(data: bytes) -> dict[str, object] | None:
    parts = data.strip(b"\0 \t\r\n").split(b".")
    if len(parts) != 3 or len(data) > MAX_TOKEN:
        return None
    try:
        # base64url without padding (RFC 7515, 2)
        payload = base64.b64decode(parts[1] + b"=" * (-len(parts[1]) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return load_object(payload)
