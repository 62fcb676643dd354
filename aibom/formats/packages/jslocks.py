"""yarn.lock and pnpm-lock.yaml.

Formats: classic.yarnpkg.com, "yarn.lock" (version 1, a form of its own); yarnpkg.com (Berry, YAML
with ``__metadata``); github.com/pnpm/spec, "lockfile" (5.x, 6.0, 9.0).
"""

import re
from collections.abc import Iterator
from typing import Any

from aibom.formats import yamltext
from aibom.formats.jsontext import object_of, text_of
from aibom.formats.packages.locked import Lock, LockedPackage
from aibom.formats.packages.npmlocks import MAX_PACKAGES, NAME
from aibom.formats.source import FormatError

_FIELD = re.compile(r'  "?(?P<name>[\w.@/~-]+)"? "?(?P<value>[^"\n]*)"?')
_INNER = re.compile(r'    "?(?P<name>[\w.@/~-]+)"? "?(?P<value>[^"\n]*)"?')
_GROUPS = ("dependencies", "optionalDependencies", "peerDependencies")
# name and version of a package of pnpm: /name/1.0.0 and /name/1.0.0_peer (5), /name@1.0.0(peer)
# (6), name@1.0.0 and name@1.0.0(peer) (9)
_PNPM = re.compile(rf"/?(?P<name>{NAME.pattern}?)[@/](?P<version>\d[^()_/]*)(?:[(_].*)?")
_BERRY = re.compile(rf"(?P<name>{NAME.pattern})@(?P<protocol>[a-z+]+:)?(?P<rest>.*)")


def yarn_lock(text: str) -> Lock:
    """Return the packages of a yarn.lock of version 1. Raises FormatError naming a bad line."""
    found: list[LockedPackage] = []
    patterns: dict[str, str] = {}
    wanted: dict[str, list[str]] = {}
    group = ""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not line.startswith(" "):
            group = ""
            found.append(_yarn_header(line, number, patterns))
        elif not found:
            raise FormatError(f"line {number}: a field of no package")
        elif line.endswith(":"):
            group = line.strip()[:-1]
        elif group in _GROUPS and (inner := _INNER.fullmatch(line)):
            wanted.setdefault(found[-1].ref, []).append(f"{inner['name']}@{inner['value']}")
        elif field := _FIELD.fullmatch(line):
            found[-1] = _yarn_field(found[-1], field["name"], field["value"])
    kept = [
        one._replace(requires=tuple(patterns[w] for w in wanted.get(one.ref, ()) if w in patterns))
        for one in found[:MAX_PACKAGES]
        if one.version
    ]
    return Lock("yarn.lock 1", tuple(kept))


def _yarn_header(line: str, number: int, patterns: dict[str, str]) -> LockedPackage:
    if not line.rstrip().endswith(":"):
        raise FormatError(f"line {number}: no package")
    keys = [key.strip().strip('"') for key in line.rstrip()[:-1].split(",")]
    name = NAME.match(keys[0])
    # "alias@npm:name@range" is a package under another name
    alias = re.search(rf"@npm:({NAME.pattern})@", keys[0])
    if name is None:
        raise FormatError(f"line {number}: no package's name")
    patterns |= dict.fromkeys(keys, keys[0])
    return LockedPackage("npm", alias[1] if alias else name[0], "", keys[0], line=number)


def _yarn_field(package: LockedPackage, name: str, value: str) -> LockedPackage:
    if name == "version":
        return package._replace(version=value)
    if name == "resolved" and (host := re.match(r"git[+:][^/]*//([\w.-]+)", value)):
        return package._replace(host=host[1].lower())
    return package


def yaml_lock(document: Any) -> Lock | None:
    """Return the packages of pnpm's lock or of Yarn Berry's (see yamltext.load_lines)."""
    if not isinstance(document, dict):
        return None
    if "__metadata" in document:
        version = text_of(object_of(document, "__metadata"), "version")
        return Lock(f"yarn.lock {version}", tuple(_berry(document)))
    if "lockfileVersion" in document:
        version = text_of(document, "lockfileVersion")
        return Lock(f"pnpm-lock.yaml {version}", _pnpm(document))
    return None


def _berry(document: dict[str, Any]) -> Iterator[LockedPackage]:
    patterns = {
        key.strip(): text_of(entry, "resolution")
        for keys, entry in document.items()
        if isinstance(entry, dict)
        for key in keys.split(",")
    }
    for keys, entry in list(document.items())[:MAX_PACKAGES]:
        said = text_of(entry, "resolution") if isinstance(entry, dict) else ""
        resolution = _BERRY.fullmatch(said)
        if resolution is None or resolution["protocol"] in ("workspace:", "patch:", "link:"):
            continue
        wanted = [f"{n}@{r}" for g in _GROUPS[:2] for n, r in object_of(entry, g).items()]
        version = text_of(entry, "version")
        line = yamltext.line_of(document, keys)
        requires = tuple(patterns[w] for w in wanted if w in patterns)
        yield LockedPackage("npm", resolution["name"], version, said, requires, line)


def _pnpm(document: dict[str, Any]) -> tuple[LockedPackage, ...]:
    packages = object_of(document, "packages")
    snapshots = object_of(document, "snapshots") or packages
    wanted: dict[str, set[str]] = {}
    for key, entry in snapshots.items():
        own = _PNPM.fullmatch(key)
        if own and isinstance(entry, dict):
            refs = [_pnpm_ref(n, v) for g in _GROUPS[:2] for n, v in object_of(entry, g).items()]
            wanted.setdefault(f"{own['name']}@{own['version']}", set()).update(refs)
    found: dict[str, LockedPackage] = {}
    for key in list(packages)[:MAX_PACKAGES]:
        if own := _PNPM.fullmatch(key):
            ref = f"{own['name']}@{own['version']}"
            line = yamltext.line_of(packages, key)
            requires = tuple(sorted(wanted.get(ref, ())))
            found.setdefault(
                ref, LockedPackage("npm", own["name"], own["version"], ref, requires, line)
            )
    return tuple(
        one._replace(requires=tuple(r for r in one.requires if r in found))
        for one in found.values()
    )


def _pnpm_ref(name: str, version: object) -> str:
    """Return the ref of a dependency: its version, or for an alias the package that it is."""
    said = str(version)
    own = _PNPM.fullmatch(said)
    return f"{own['name']}@{own['version']}" if own else f"{name}@{re.split('[(_]', said)[0]}"
