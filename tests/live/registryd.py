"""Debian's registry server on loopback, with a CA, logins and a token server of the test's own."""

import base64
import hashlib
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from rig import debs
from rig.cache import cache_folder
from rig.errors import RigError

USER, PASSWORD = "ann", "open sesame"
# bcrypt of the password, as htpasswd -B writes it
HTPASSWD = f"{USER}:$2b$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW\n"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority in a folder, and a certificate for localhost that it signed."""

    folder: Path
    ca: Path
    certificate: Path
    key: Path

    def sign(self, data: bytes) -> bytes:
        """Return the RSA-SHA256 signature of the server's key."""
        command = ["openssl", "dgst", "-sha256", "-sign", str(self.key)]
        return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def authority(folder: Path) -> Authority:
    """Make one with the openssl program, or skip."""
    if not shutil.which("openssl"):
        pytest.skip("needs the openssl program")
    made = Authority(folder, folder / "ca.pem", folder / "server.pem", folder / "server.key")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    new = ["-newkey", "rsa:2048", "-nodes", "-days", "2"]
    ca_key, asked = str(folder / "ca.key"), str(folder / "server.csr")
    for command in (
        ["req", "-x509", *new, "-subj", "/CN=test CA", "-keyout", ca_key, "-out", str(made.ca)],
        ["req", *new[:3], "-subj", "/CN=localhost", "-keyout", str(made.key), "-out", asked],
        ["x509", "-req", "-in", asked, "-CA", str(made.ca), "-CAkey", ca_key, "-CAcreateserial",
         "-days", "2", "-extfile", str(folder / "names"), "-out", str(made.certificate)],
    ):  # fmt: skip
        subprocess.run(["openssl", *command], capture_output=True, check=True)
    return made


@dataclass(slots=True)
class Running:
    """A registry that runs; ``push`` puts things into it as an authorised client."""

    host: str
    session: requests.Session = field(default_factory=requests.Session)

    def url(self, repository: str, path: str) -> str:
        return f"https://{self.host}/v2/{repository}/{path}"

    def blob(self, repository: str, data: bytes, media_type: str) -> Json:
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        begun = self.session.post(self.url(repository, "blobs/uploads/"))
        begun.raise_for_status()
        where = requests.compat.urljoin(begun.url, begun.headers["Location"])
        done = self.session.put(where, params={"digest": digest}, data=data)
        done.raise_for_status()
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def manifest(self, repository: str, content: Mapping[str, Any], tag: str = "") -> Json:
        data = json.dumps(content).encode()
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        headers = {"Content-Type": content["mediaType"]}
        url = self.url(repository, f"manifests/{tag or digest}")
        self.session.put(url, data=data, headers=headers).raise_for_status()
        return {"mediaType": content["mediaType"], "digest": digest, "size": len(data)}


@contextmanager
def registry(folder: Path, tls: Authority, auth: Json) -> Iterator[Running]:
    """Run the registry server of Debian's docker-registry for the block, or skip."""
    try:
        (deb,) = debs.unpacked(["docker-registry"], cache_folder())
    except RigError as error:
        pytest.skip(f"needs Debian's docker-registry: {error}")
    port = free_port()
    config = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
        "http": {
            "addr": f"127.0.0.1:{port}",
            "secret": "of the test",
            "tls": {"certificate": str(tls.certificate), "key": str(tls.key)},
        },
        "auth": auth,
    }
    (folder / "registry.yml").write_text(json.dumps(config))  # JSON is YAML
    program = str(deb.root / "usr/bin/docker-registry")
    with (folder / "registry.log").open("wb") as log:
        command = [program, "serve", str(folder / "registry.yml")]
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        await_port(process, port, folder / "registry.log")
        running = Running(f"localhost:{port}")
        running.session.trust_env = False
        running.session.verify = str(tls.ca)
        yield running
        running.session.close()
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def await_port(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"the registry ended: {log.read_text()}")


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(tls: Authority, repository: str, actions: list[str]) -> str:
    """Return a token as distribution's docs/spec/auth/jwt.md has it."""
    der = subprocess.run(
        ["openssl", "x509", "-in", str(tls.certificate), "-outform", "DER"],
        capture_output=True,
        check=True,
    ).stdout
    now = int(time.time())
    header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
    claims = {
        "iss": "tokens of the test",
        "sub": USER,
        "aud": "registry of the test",
        "iat": now,
        "nbf": now - 60,
        "exp": now + 600,
        "jti": "1",
        "access": [{"type": "repository", "name": repository, "actions": actions}],
    }
    signed = ".".join(_text(json.dumps(part).encode()) for part in (header, claims))
    return f"{signed}.{_text(tls.sign(signed.encode()))}"


@contextmanager
def token_server(tls: Authority, asked: list[str]) -> Iterator[str]:
    """Serve tokens by HTTP to whoever knows the password; yield the host, note the scopes."""
    right = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    class Tokens(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            asked.extend(query["scope"])
            known = self.headers.get("Authorization") == right
            _, repository, actions = query["scope"][0].split(":")
            answer = {"token": token(tls, repository, actions.split(","))} if known else {}
            self.send_response(200 if known else 401)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Tokens)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
