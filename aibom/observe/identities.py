"""Who a process can act as: the tokens and credential files that lie at hand in its place.

Of each only the name of its subject is kept, and who vouches for it.
"""

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from aibom.formats.identity import google, jwt
from aibom.formats.identity.jwt import Bearer
from aibom.formats.text import printable
from aibom.observe.files.recent import Recent
from aibom.observe.host.protocol import Host
from aibom.observe.host.smallfile import read_in_root
from aibom.types.processes import Identity, Process

#: Where a pod's token is mounted (kubernetes.io, "Configure Service Accounts for Pods").
TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 - a path

# AWS SDKs and Tools Reference Guide, "Assume role with web identity"
_AWS_ROLE, _AWS_TOKEN = "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"
# the same, "Container credential provider"
_POD_URI, _POD_TOKEN = (
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
)
# Amazon EKS User Guide, "How EKS Pod Identity works": the agent's addresses on every node
_POD_AGENTS = frozenset({"169.254.170.23", "fd00:ec2::23"})
# azure-workload-identity, docs: "Mutating Admission Webhook"
_AZURE = ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE")
# https://google.aip.dev/auth/4110
_GOOGLE = "GOOGLE_APPLICATION_CREDENTIALS"

#: Variables that say who a process can act as. None of them holds a secret.
VARIABLES = frozenset({_AWS_ROLE, _AWS_TOKEN, _POD_URI, _POD_TOKEN, *_AZURE, _GOOGLE})
#: Those of them that hold the path of a file.
FILES = frozenset({_AWS_TOKEN, _POD_TOKEN, _AZURE[2], _GOOGLE})

# IAM User Guide, "IAM identifiers"
_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,600}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_REMEMBERED = 10_000


class Identities:
    """Finds identities, and asks once for all processes of one place."""

    def __init__(self, host: Host) -> None:
        """Read through ``host``."""
        self._host = host
        self._known: Recent[tuple[object, ...], tuple[Identity, ...]] = Recent(_REMEMBERED)

    def of(self, process: Process) -> tuple[Identity, ...]:
        """Return who a process can act as, sorted. What cannot be read names nobody."""
        said = {k: v for k, v in process.environment.items() if k in VARIABLES}
        place = (process.cgroup.container_id, process.mount_namespace, process.root)
        key = (*place, *sorted(said.items()))
        known = self._known.get(key)
        if known is not None:
            return known
        found = self._find(process.pid, said)
        # nothing found may mean that this process is about to end
        return self._known.put(key, found) if found else found

    def _find(self, pid: int, said: Mapping[str, str]) -> tuple[Identity, ...]:
        found: set[Identity] = set()
        account = self._bearer(pid, TOKEN, jwt.MAX_TOKEN, jwt.bearer_of)
        if account is not None and account.is_service_account:
            found.add(Identity("kubernetes-service-account", *account, TOKEN))
        for find in (self._aws_role, self._aws_pod, self._azure, self._google):
            identity = find(pid, said)
            if identity is not None:
                found.add(identity)
        return tuple(sorted(found))

    def _aws_role(self, pid: int, said: Mapping[str, str]) -> Identity | None:
        """Return the role for a service account (IRSA): it takes both variables."""
        role, token = said.get(_AWS_ROLE, ""), said.get(_AWS_TOKEN, "")
        if not token or not _ARN.fullmatch(role):
            return None
        bearer = self._bearer(pid, token, jwt.MAX_TOKEN, jwt.bearer_of)
        return Identity("aws-role", role, bearer.issuer if bearer else "", _AWS_ROLE)

    def _aws_pod(self, pid: int, said: Mapping[str, str]) -> Identity | None:
        """Return the account whose role EKS Pod Identity hands out; the role is not told."""
        token = said.get(_POD_TOKEN, "")
        if not token or _host_of(said.get(_POD_URI, "")) not in _POD_AGENTS:
            return None
        bearer = self._bearer(pid, token, jwt.MAX_TOKEN, jwt.bearer_of)
        return Identity("aws-pod-identity", *bearer, _POD_URI) if bearer is not None else None

    def _azure(self, _pid: int, said: Mapping[str, str]) -> Identity | None:
        client, tenant, token = (said.get(name, "") for name in _AZURE)
        if not (token and _UUID.fullmatch(client) and _UUID.fullmatch(tenant)):
            return None
        return Identity("azure-workload-identity", client.lower(), tenant.lower(), _AZURE[0])

    def _google(self, pid: int, said: Mapping[str, str]) -> Identity | None:
        path = said.get(_GOOGLE, "")
        bearer = self._bearer(pid, path, google.MAX_CREDENTIALS, google.account_of)
        return Identity("gcp-service-account", *bearer, _GOOGLE) if bearer is not None else None

    def _bearer(
        self, pid: int, path: str, limit: int, read: Callable[[bytes], Bearer | None]
    ) -> Bearer | None:
        if not path.startswith("/"):
            return None
        try:
            bearer = read(read_in_root(self._host, pid, path, limit))
        except OSError:
            return None
        if bearer is None:
            return None
        return Bearer(printable(bearer.subject, 500), printable(bearer.issuer, 500))


def _host_of(uri: str) -> str:
    try:
        return urlsplit(uri).hostname or ""
    except ValueError:
        return ""
