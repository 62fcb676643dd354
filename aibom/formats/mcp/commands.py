"""Command lines that start MCP servers: what they start, through whatever launcher.

Launchers: npm-exec(1), npx; docs.astral.sh/uv (uvx, uv tool run, uv run); pipx(1); bunx; pnpm dlx;
docker-run(1) and podman-run(1).
"""

import posixpath
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from packaging.utils import canonicalize_name

from aibom.formats.procfs import commandline

_NODE_LAUNCHERS = frozenset({"npx", "bunx", "pnpx"})
_PYTHON_LAUNCHERS = frozenset({"uvx", "pipx"})
_CONTAINERS = frozenset({"docker", "podman", "nerdctl"})
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "busybox", "env"})
# sub-commands of launchers, which name nothing
_VERBS = frozenset({"exec", "x", "dlx", "tool", "run", "uvx", "npx", "create"})
# options of docker run and podman run without a value; every other one takes the next word
_FLAGS = frozenset(
    {"-i", "-t", "-d", "-it", "-ti", "--rm", "--init", "--interactive", "--tty", "--privileged"}
    | {"--read-only", "--detach", "-P", "--publish-all", "--no-healthcheck", "--quiet", "-q"}
)
# a package of npm or PyPI with what may stand behind its name: @1.2, ==1.2, [extra]
_SPEC = re.compile(r"(?P<name>@[\w.~-]{1,100}/[\w.~-]{1,200}|[A-Za-z0-9][\w.-]{0,200})(?P<rest>.*)")
_SCRIPTS = (".py", ".js", ".mjs", ".cjs", ".ts")
_INTERPRETER = re.compile(r"(?:python|pypy)[\d.]*t?|node|nodejs|bun|deno|tsx|ts-node")


class Started(NamedTuple):
    """What a command line starts.

    ``names`` are packages, modules and programs as they are compared (see ``comparable``);
    ``paths`` are scripts and programs by their path; ``image`` is a container's. ``opaque`` is
    true where the command may start anything else: a shell's text, a program of one's own.
    """

    names: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    image: str = ""
    opaque: bool = False


def comparable(name: str) -> str:
    """Return a name so that the spellings of one package, its module and its program agree."""
    scope, slash, rest = name.rpartition("/")
    return f"{scope.lower()}{slash}{canonicalize_name(rest)}"


@lru_cache(maxsize=10_000)
def started(argv: tuple[str, ...]) -> Started:
    """Return what a command line starts; nothing where it cannot be told."""
    # a rewritten title holds the whole command in one argument ("npm exec @a/b /tmp")
    words = tuple(argv[0].split()) if len(argv) == 1 else argv
    if not words:
        return Started()
    program = posixpath.basename(words[0])
    if program in _SHELLS:
        return _of_text(words[1:])
    if _INTERPRETER.fullmatch(program):
        return _interpreted(words)
    found = _launched(program, words[1:])
    if found is None:
        return Started(frozenset({comparable(program)}), _paths(words[:1]), opaque=True)
    return found


def _launched(program: str, words: tuple[str, ...]) -> Started | None:
    """Return what a launcher starts, or None where the program is none."""
    if program in _CONTAINERS:
        return Started(image=_image(words))
    if program in _NODE_LAUNCHERS or (program in ("npm", "pnpm", "yarn", "bun") and words):
        return _packaged(words, ("-p", "--package"))
    if program in _PYTHON_LAUNCHERS or (program == "uv" and words):
        return _python_packaged(words)
    return None


def _interpreted(words: tuple[str, ...]) -> Started:
    name = "node" if not words[0].rpartition("/")[2].startswith(("python", "pypy")) else words[0]
    run = commandline.parse(name, words)
    if run.module:
        return Started(frozenset({comparable(run.module)}))
    if run.script:
        return _of_script(run.script)
    return Started()


def _of_script(script: str) -> Started:
    """Return what a script is: of one in a folder of programs its name tells as well."""
    program = comparable(posixpath.basename(script))
    named = "." not in posixpath.basename(script)
    return Started(frozenset({program} if named else ()), frozenset({script}))


def _packaged(words: tuple[str, ...], options: tuple[str, ...]) -> Started:
    """Return what a launcher of packages starts: the package, and the program in it."""
    names: list[str] = []
    skip = False
    for index, word in enumerate(words):
        option, separator, value = word.partition("=")
        if skip:
            skip = False
            names.append(word)
        elif option in options:
            names += [value] if separator else []
            skip = not separator
        elif word.startswith("-") or word in _VERBS:
            continue
        elif word.endswith(_SCRIPTS):
            return Started(paths=frozenset({word}))
        else:
            names.append(word)
            return Started(_specs(names), _paths(words[index : index + 1]))
    return Started(_specs(names))


def _python_packaged(words: tuple[str, ...]) -> Started:
    kept: list[str] = []
    taken = False
    for index, word in enumerate(words):
        if taken:
            taken = False
        elif word in ("--with", "--python", "-p", "--directory", "--project", "--index-url"):
            taken = True
        elif _INTERPRETER.fullmatch(posixpath.basename(word)) and "run" in words[:index]:
            return _interpreted(words[index:])  # uv run python server.py
        else:
            kept.append(word)
    return _packaged(tuple(kept), ("--from", "--spec"))


def _specs(words: Iterable[str]) -> frozenset[str]:
    found = set()
    for word in words:
        if not word.startswith(("/", ".")) and (match := _SPEC.fullmatch(word)):
            found.add(comparable(match["name"]))
    return frozenset(found)


def _paths(words: Iterable[str]) -> frozenset[str]:
    return frozenset(w for w in words if "/" in w.lstrip("@") and not w.startswith("@"))


def _of_text(words: tuple[str, ...]) -> Started:
    """Return whatever a shell's text may start: all its words."""
    found = [w for word in words for w in re.split(r"[\s;&|()'\"]+", word) if w][:100]
    names = {comparable(posixpath.basename(w)) for w in found} | _specs(found)
    return Started(frozenset(names), frozenset(w for w in found if "/" in w), opaque=True)


def _image(words: tuple[str, ...]) -> str:
    if "run" not in words:
        return ""
    rest = words[words.index("run") + 1 :]
    skip = False
    for word in rest:
        if skip:
            skip = False
        elif word.startswith("-"):
            skip = word not in _FLAGS and "=" not in word
        else:
            return word
    return ""
