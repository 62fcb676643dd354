"""The server name in a TLS ClientHello (RFC 8446 4.1.2, RFC 6066 3), as one segment shows it.

A hello may be longer than what was captured, or go on in another segment or record. What is
there is read; a name that is not there as a whole is not there.
"""

from collections.abc import Iterator
from struct import Struct
from struct import error as struct_error

from aibom.formats.net.hostname import host_name

# a record: type, version (major and minor), length; then the handshake message: type, length
_RECORD = Struct(">BBBH")
_HANDSHAKE = 22
_CLIENT_HELLO = 1
_TO_SESSION = 4 + 2 + 32  # handshake header, version, random; then three lists, each with length
_SHORT = Struct(">H")
_EXTENSION = Struct(">HH")  # type, length
_SERVER_NAME = 0
_ECH = 0xFE0D  # encrypted_client_hello, RFC 9849
_LIST_HEAD = Struct(">HBH")  # length of the list, type of its first name, length of that name
_HOST_NAME = 0
_MAX_EXTENSIONS = 64  # clients send some 20


def read_server_name(data: bytes) -> str:
    """Return the host name of the ClientHello that starts a TCP segment's ``data``, or "".

    A hello that offers ECH gives nothing: its name is that of the front server where ECH is in
    use, and the true one where it is only pretended (GREASE), and the two are made to look alike.
    Never raises.
    """
    found: bytes | None = None
    for kind, value in _extensions(data):
        if kind == _ECH or (kind == _SERVER_NAME and found is not None):
            return ""
        if kind == _SERVER_NAME:
            found = _first_name(value)
    return host_name(found or b"")


def _extensions(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (type, value) of the extensions that are there as a whole."""
    try:
        kind, major, _, length = _RECORD.unpack_from(data)
        if (kind, major, data[_RECORD.size]) != (_HANDSHAKE, 3, _CLIENT_HELLO):
            return
        data = data[: _RECORD.size + length]
        at = _RECORD.size + _TO_SESSION
        at += 1 + data[at]  # session id
        at += _SHORT.size + _SHORT.unpack_from(data, at)[0]  # cipher suites
        at += 1 + data[at]  # compression methods
        end = at + _SHORT.size + _SHORT.unpack_from(data, at)[0]
        at += _SHORT.size
        for _ in range(_MAX_EXTENSIONS):
            if at >= end:
                return
            kind, length = _EXTENSION.unpack_from(data, at)
            at += _EXTENSION.size
            value = data[at : at + length]
            if len(value) < length and kind != _ECH:
                return
            yield kind, value
            at += length
    except (IndexError, struct_error):
        return


def _first_name(value: bytes) -> bytes:
    try:
        _, kind, length = _LIST_HEAD.unpack_from(value)
    except struct_error:
        return b""
    name = value[_LIST_HEAD.size : _LIST_HEAD.size + length]
    return name if kind == _HOST_NAME and len(name) == length else b""
