"""Configuration files of MCP clients: which servers they name, with secrets removed.

There is no specification; every client has its own file. They agree on a mapping of names (or a
list of entries with names) that give a command or a URL. What is where is data: see
rules/mcp-client.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from aibom.formats import tomltext, yamltext
from aibom.formats.jsontext import load_object
from aibom.formats.mcp.hidden import clean_url, without_carried
from aibom.formats.mcp.transports import TRANSPORTS
from aibom.formats.redact import redact_argv
from aibom.formats.source import FormatError
from aibom.formats.text import printable
from aibom.types.mcp import ConfigFile, ConfigFormat
from aibom.types.mcpfacts import ConfiguredServer

#: Largest configuration that is read, in bytes; Claude Code keeps a history in the same file.
MAX_CONFIG = 4 << 20
#: Largest one in YAML or TOML, whose values take a hundred times the room of their text.
MAX_TEXT = 256 << 10
#: Most servers of one file that are kept.
MAX_SERVERS = 200
# strings come first, so that what looks like a comment inside of one is none; an unclosed one
# runs to the end, which keeps the search linear
_STRING = r'"(?:[^"\\]|\\(?:.|\Z))*+(?:"|\Z)'
_COMMENT = re.compile(rf"(?P<kept>{_STRING})|//[^\n]*|/\*(?:.*?\*/|.*\Z)", re.DOTALL)
_COMMA = re.compile(rf"(?P<kept>{_STRING})|,(?=[ \t\r\n]*+[}}\]])", re.DOTALL)
_COMMANDS = ("command", "cmd", "path")
_URLS = ("url", "serverUrl", "httpUrl", "uri", "endpoint")
_TRANSPORTS = ("type", "transport", "transportType")
# the words of the clients for the transports of the protocol
_NAMED = TRANSPORTS | {"local": "stdio"}


def parse(data: bytes, file: ConfigFile) -> tuple[ConfiguredServer, ...]:
    """Return the servers that a configuration names, sorted, each once.

    Values of variables and headers are not read at all; commands have their secrets hidden, URLs
    lose user, query and whatever in their path looks like a key. Raises FormatError for what is
    no document of the file's format.
    """
    document = _document(data, file.format)
    found: set[ConfiguredServer] = set()
    for servers in _at(document, file.servers):
        for name, entry in _entries(servers):
            server = _server(name, entry) if len(found) < MAX_SERVERS else None
            if server is not None:
                found.add(server)
    return tuple(sorted(found))


def without_secrets(data: bytes, files: Sequence[ConfigFile]) -> bytes:
    """Return a file of the same form that names the same servers and holds nothing else.

    ``files`` say where in it servers may be. Raises FormatError as ``parse`` does.
    """
    document: dict[str, Any] = {}
    for file in files:
        servers = document
        for key in file.servers:
            servers = servers.setdefault(key, {})
        servers |= {server.name: _entry(server) for server in parse(data, file)}
    text = _toml(document) if files[0].format == "toml" else _compact(document)
    return text.encode()


def _entry(server: ConfiguredServer) -> dict[str, Any]:
    # no longer than what was there, as a recording keeps it at its old length
    found: dict[str, Any] = {"command": [*server.argv]} if server.argv else {"url": server.url}
    # that a command speaks over stdio goes without saying
    found |= {"type": server.transport} if server.url and server.transport else {}
    return found | ({"disabled": True} if server.disabled else {})


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _toml(document: dict[str, Any]) -> str:
    # strings, lists and truth values of JSON are TOML's as well (toml.io, v1.0.0)
    return "\n".join(
        f"[{_compact(key)}.{_compact(name)}]\n"
        + "\n".join(f"{field}={_compact(value)}" for field, value in entry.items())
        for key, servers in document.items()
        for name, entry in servers.items()
    )


def _document(data: bytes, form: ConfigFormat) -> dict[Any, Any]:
    document: Any
    if not data.strip():
        return {}  # a file that was only made, so that it is there
    if form != "json" and len(data) > MAX_TEXT:
        raise FormatError(f"larger than {MAX_TEXT} bytes")
    try:
        if form == "toml":
            document = tomltext.load(data.decode("utf-8-sig"))
        elif form == "yaml":
            document = yamltext.load(data)
        else:
            document = load_object(plain(data.decode("utf-8-sig")).encode())
    except (ValueError, RecursionError, yamltext.YAMLError) as error:
        raise FormatError(f"no {form}: {printable(str(error), 200)}") from None
    if not isinstance(document, dict):
        raise FormatError(f"no {form} document, or one that can be read in two ways")
    return document


def plain(text: str) -> str:
    """Return JSON without comments and trailing commas (JSON with Comments, as VS Code has it)."""
    without = _COMMENT.sub(lambda m: m["kept"] or " ", text)
    return _COMMA.sub(lambda m: m["kept"] or " ", without)


def _at(value: Any, keys: tuple[str, ...]) -> Iterator[Any]:
    """Yield what the keys lead to."""
    if not keys:
        yield value
    elif isinstance(value, dict):
        below = list(value.values()) if keys[0] == "*" else [value.get(keys[0])]
        for one in below:
            yield from _at(one, keys[1:])


def _entries(servers: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(servers, dict):
        yield from servers.items()
    elif isinstance(servers, list):
        for entry in servers:
            if isinstance(entry, dict):
                yield entry.get("name"), entry


def _server(name: Any, entry: Any) -> ConfiguredServer | None:
    if not isinstance(name, str) or not isinstance(entry, dict):
        return None
    argv = _argv(entry)
    url = next((u for key in _URLS if (u := clean_url(entry.get(key)))), "")
    if not argv and not url:
        return None  # built into the client, or nothing that could be started
    said = next((entry[k] for k in _TRANSPORTS if isinstance(entry.get(k), str)), "")
    return ConfiguredServer(
        name=printable(name, 200),
        transport="stdio" if argv else _NAMED.get(said.lower(), ""),
        argv=argv,
        url="" if argv else url,
        disabled=entry.get("disabled") is True or entry.get("enabled") is False,
    )


def _argv(entry: dict[Any, Any]) -> tuple[str, ...]:
    command = next((entry[k] for k in _COMMANDS if entry.get(k)), None)
    if isinstance(command, dict):  # Zed once had {"path": ..., "args": [...]}
        return _argv({k: v for k, v in command.items() if not isinstance(v, dict)})
    words = command if isinstance(command, list) else [command]
    arguments = entry.get("args")
    words = [*words, *(arguments if isinstance(arguments, list) else ())]
    texts = [printable(word, 1000) for word in words if isinstance(word, str)]
    return without_carried(redact_argv(tuple(texts))) if texts and texts[0] else ()
