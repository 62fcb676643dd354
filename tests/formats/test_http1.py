"""What is cut out of a request's first bytes, and that nothing else ever is."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats import http1
from aibom.formats.http1 import MAX_HOST, MAX_PATH, METHODS, Start
from aibom.formats.text import printable

SECRET = "hf_SECRETtoken"  # noqa: S105 - it is none


def request(line: str, *headers: str) -> bytes:
    return "\r\n".join([line, *headers, "", ""]).encode()


@pytest.mark.parametrize(
    ("data", "start"),
    [
        (request("GET /a/b HTTP/1.1", "Host: hub.co"), Start("GET", "hub.co", "/a/b")),
        (request("HEAD / HTTP/1.0", "A: 1", "HOST:Hub.Co:8443"), Start("HEAD", "hub.co", "/")),
        (request("PUT /x?k=v HTTP/1.1", "host: \t hub.co \t"), Start("PUT", "hub.co", "/x")),
        (request("DELETE /x#f HTTP/1.1", "Host: [::1]:80"), Start("DELETE", "[::1]", "/x")),
        (request("PATCH /x HTTP/1.1", "Host: hub.co."), Start("PATCH", "hub.co", "/x")),
        (request("POST /x HTTP/1.1"), Start("POST", "", "/x")),
        (request("GET http://u:p@Hub.co:80/x?y HTTP/1.1", "Host: b"), Start("GET", "hub.co", "/x")),
        (request("GET https://hub.co?y HTTP/1.1"), Start("GET", "hub.co", "/")),
        (request("GET /\x1b[31m HTTP/1.1"), None),
        (request("GET /\u202egnp HTTP/1.1"), Start("GET", "", "/\\u202egnp")),
        (b"GET /\xff HTTP/1.1\r\n\r\n", Start("GET", "", "/\\xff")),
        (b"GET /x HTTP/1.1\nHost: hub.co\n\n", Start("GET", "hub.co", "/x")),
        (b"GET /x HTTP/1.1\r\nHost: hub.c", Start("GET", "", "/x")),  # half a name
        (b"GET /x HTTP/1.1\r\nA: 1\r\n\r\nHost: body.co\r\n", Start("GET", "", "/x")),
        (b"GET /x HTTP/1.1\r\n\r\nHost: body.co\r\n", Start("GET", "", "/x")),
        (request("GET /x HTTP/1.1", "X-Host: no", "Host: yes"), Start("GET", "yes", "/x")),
        (request("GET /x HTTP/1.1", "Host: a b"), Start("GET", "", "/x")),
        (request("GET /x HTTP/1.1", "Host: a/b"), Start("GET", "", "/x")),
        (request("GET /x HTTP/1.1", f"Host: {SECRET}@hub.co"), Start("GET", "", "/x")),
        (request("GET /x HTTP/1.1", "Host: " + "a" * (MAX_HOST + 9)), Start("GET", "", "/x")),
    ],
)
def test_requests(data: bytes, start: Start | None) -> None:
    assert http1.parse(data) == start


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET ",
        b"GET  / HTTP/1.1\r\n",
        b"GET x HTTP/1.1\r\n",
        b"get / HTTP/1.1\r\n",
        b" GET / HTTP/1.1\r\n",
        b"GET / HTTP/2.0\r\n",
        b"GET / HTTP/1.1",
        b"GET /x",
        b"POST a parcel to my aunt",
        b"GETTING / HTTP/1.1\r\n",
        b"CONNECT hub.co:443 HTTP/1.1\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET http:// HTTP/1.1\r\n",
    ],
)
@pytest.mark.parametrize("cut", [False, True])
def test_what_is_no_request(data: bytes, cut: bool) -> None:
    assert http1.parse(data, cut=cut) is None


def test_a_query_that_is_longer_than_what_was_read() -> None:
    signed = b"GET /blob?X-Amz-Signature=" + b"a" * 2000
    assert http1.parse(signed) is None
    assert http1.parse(signed, cut=True) == Start("GET", "", "/blob")
    assert http1.parse(signed + b" HT", cut=True) is None


def test_a_path_that_was_cut_off_is_no_path() -> None:
    assert http1.parse(b"GET /models/secr", cut=True) is None


def test_a_long_path_is_shortened() -> None:
    found = http1.parse(request("GET /" + "a" * 3000 + " HTTP/1.1"))
    assert found is not None
    assert len(found.path) == MAX_PATH + 1


@given(st.binary(max_size=400), st.booleans())
def test_any_bytes(data: bytes, cut: bool) -> None:
    check(http1.parse(data, cut=cut))
    check(http1.parse(b"GET /" + data, cut=cut))
    check(http1.parse(b"GET / HTTP/1.1\r\nHost:" + data, cut=cut))


def check(found: Start | None) -> None:
    if found is None:
        return
    assert found.method in METHODS
    assert found.path.startswith("/")
    assert found.path == printable(found.path)
    assert not set(found.path) & set("?#")
    assert len(found.path) <= MAX_PATH + 1
    assert len(found.host) <= MAX_HOST
    assert set(found.host) <= set(string.ascii_lowercase + string.digits + "_.-[]:")


NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z]{2,8}){0,3}", fullmatch=True)
PATHS = st.from_regex(r"/[A-Za-z0-9._~/%-]{0,60}", fullmatch=True)


@given(st.sampled_from(METHODS), NAMES, PATHS, st.integers(0, 3), st.booleans())
def test_what_was_sent_is_told_and_no_secret(
    method: str,
    host: str,
    path: str,
    before: int,
    userinfo: bool,
) -> None:
    headers = ["Accept: */*", f"Authorization: Bearer {SECRET}", f"Cookie: {SECRET}"]
    headers.insert(before, f"Host: {host.upper()}")
    target = f"https://{SECRET}@{host}{path}" if userinfo else path
    data = request(f"{method} {target}?token={SECRET}#{SECRET} HTTP/1.1", *headers)
    assert http1.parse(data + SECRET.encode()) == Start(method, host, path)
    for end in range(len(data)):
        for cut in (False, True):
            assert SECRET not in str(http1.parse(bytearray(data[:end]), cut=cut))
