"""Credential files of Google's client libraries: whose they are, and none of their keys.

https://google.aip.dev/auth/4112 (service accounts), https://google.aip.dev/auth/4117 (federated
identities).
"""

import json
import re

from aibom.formats.identity.jwt import Bearer
from aibom.formats.jsontext import load_object, text_of

#: Largest file that is read, in bytes. A key file has 2.4 kB.
MAX_CREDENTIALS = 64 << 10

_OF_ACCOUNT = "service_account"
_FEDERATED = ("external_account", "impersonated_service_account")
# .../serviceAccounts/NAME@PROJECT.iam.gserviceaccount.com:generateAccessToken
_IMPERSONATED = re.compile(r"/serviceAccounts/(?P<account>[^/:\s]{3,200}):generateAccessToken$")
_KEPT = ("type", "client_email", "audience", "service_account_impersonation_url")
_GOOGLE = "https://accounts.google.com"


def account_of(data: bytes) -> Bearer | None:
    """Return whose credentials a file holds, or None where it does not say.

    A federated identity is called by the service account that it acts as, else by its audience.
    """
    document = load_object(data.rstrip(b"\0")) or {}
    kind = text_of(document, "type")
    if kind == _OF_ACCOUNT and (email := text_of(document, "client_email")):
        return Bearer(email, _GOOGLE)
    if kind in _FEDERATED:
        acted = _IMPERSONATED.search(text_of(document, "service_account_impersonation_url"))
        audience = text_of(document, "audience")
        subject = acted["account"] if acted else audience
        return Bearer(subject, audience or _GOOGLE) if subject else None
    return None


def without_secrets(data: bytes) -> bytes | None:
    """Return a credential file with nothing but what is read here; None for any other file."""
    document = load_object(data.rstrip(b"\0")) or {}
    if text_of(document, "type") not in (_OF_ACCOUNT, *_FEDERATED):
        return None
    return json.dumps({k: text_of(document, k) for k in _KEPT if text_of(document, k)}).encode()
