"""Answers to a registry's challenge: a password, or a token that another server gives for it.

Docker Registry v2 authentication (distribution, docs/spec/auth/token.md and oauth.md).
"""

import base64
import re
from collections.abc import Callable
from urllib.parse import urlencode

from aibom.formats.containers import challenge
from aibom.formats.containers.logins import Login
from aibom.formats.containers.reference import Reference
from aibom.formats.jsontext import load_object
from aibom.sources.errors import SourceError

#: Asks a token server: URL, form to post (empty: it is a GET), Authorization header or "".
Ask = Callable[[str, dict[str, str], str], bytes]

# RFC 6750, section 2.1, and nothing that would end a header
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{1,65536}")


def answer(header: str, image: Reference, login: Login | None, ask: Ask) -> str:
    """Return the Authorization header that answers a WWW-Authenticate header.

    What is asked for is to pull this one repository, whatever the challenge wishes. Raises
    SourceError where there is no way, or no login.
    """
    offered = {c.scheme: c.parameters for c in reversed(challenge.parse(header))}
    if "bearer" in offered:
        return f"Bearer {_token(offered['bearer'], image, login, ask)}"
    if "basic" not in offered:
        raise SourceError(f"{image.registry}: wants a way to log in that aibom does not know")
    if login is None or not login.user:
        how = f"run 'docker login {image.registry}' or the like"
        raise SourceError(f"{image.registry}: wants a login: {how}")
    return _basic(login)


def _token(offered: dict[str, str], image: Reference, login: Login | None, ask: Ask) -> str:
    realm = offered.get("realm", "")
    query = {"service": offered["service"]} if "service" in offered else {}
    query["scope"] = f"repository:{image.repository}:pull"
    if login is not None and login.identity_token:
        form = {"grant_type": "refresh_token", "refresh_token": login.identity_token}
        data = ask(realm, form | query | {"client_id": "aibom"}, "")
    else:
        data = ask(_with_query(realm, query), {}, _basic(login) if login else "")
    found = load_object(data) or {}
    token = found.get("token") or found.get("access_token")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise SourceError(f"{image.registry}: its token server gave no token")
    return token


def _with_query(url: str, query: dict[str, str]) -> str:
    url = url.partition("#")[0]
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def _basic(login: Login) -> str:
    pair = f"{login.user}:{login.password}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"
