"""What to call the program that an agent's processes run, and what it is known by."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256

from aibom.identify.software import package_url
from aibom.types.facts import ProcessFacts
from aibom.types.files import UNKNOWN_ORIGIN, FileFacts, Origin
from aibom.types.inventory import Component
from aibom.types.packages import Package

# "MODULE:APPLICATION", as uvicorn, gunicorn, hypercorn and granian are told what to serve
_APPLICATION = re.compile(r"(?P<module>[A-Za-z_][\w.]*):[A-Za-z_][\w.]*(?:\(\))?")
# how the children of Python's multiprocessing are started (Lib/multiprocessing/spawn.py,
# forkserver.py, resource_tracker.py): the program is their parent's
_CHILD = re.compile(r"--multiprocessing-fork|\bfrom multiprocessing\.\w+ import main\b")
_INTERPRETER = re.compile(r"(?:python|pypy|node|nodejs|bun|deno)[\d.]*t?")


@dataclass(frozen=True, slots=True)
class AgentProgram:
    """A program by its content: ``ref`` is the same for all processes that run it.

    ``package`` is set where the program is a package's own, ``file`` where it is a script.
    """

    ref: str
    name: str
    path: str
    package: Package | None = None
    file: FileFacts | None = None

    @property
    def origin(self) -> Origin:
        """Where the program's file came from."""
        return self.file.origin if self.file is not None else UNKNOWN_ORIGIN


def program_of(
    found: ProcessFacts,
    members: Mapping[int, ProcessFacts],
    own: Collection[str],
    container: str,
) -> AgentProgram:
    """Return the program of a process. ``members`` are its workload's processes, by pid.

    ``own`` are the refs of packages that are programs of their own and no launchers of others'.
    """
    found = _starter(found, members)
    program, process = found.program, found.process
    package = program.package
    if package is not None and package_url(package) in own:
        url = package_url(package)
        return AgentProgram(url, package.name, program.path or package.location, package)
    operand = _operand(process.argv) if package is not None else ""
    # what has no content to be known by is known by its place
    place = f"{container}:{process.cwd}"
    if operand:
        return AgentProgram(f"agent:{place}:{operand}", operand, process.cwd)
    if package is None and program.module:
        ref = f"agent:{place}:{program.module}"
        return AgentProgram(ref, program.module, program.path or process.cwd)
    if package is None and _is_script(found):
        file = program.file
        digest = file.sha256[:16] if file is not None else ""
        ref = f"agent:sha256:{digest}" if digest else f"agent:{container}:{program.path}"
        return AgentProgram(ref, program.name, program.path, file=file)
    digest = sha256("\0".join((place, *process.argv)).encode("utf-8", "replace")).hexdigest()[:16]
    what = program.name if package is not None else "inline code"
    return AgentProgram(f"agent:argv:{digest}", f"{what} in {process.cwd}", process.cwd)


def component_of(program: AgentProgram) -> Component:
    """Return the component of a program that nothing else named; its evidence is to come."""
    package, file = program.package, program.file
    return Component(
        ref=program.ref,
        kind="agent",
        type="application",
        name=program.name,
        version=package.version if package is not None else "",
        purl=package_url(package) if package is not None else "",
        licence=package.licence if package is not None else "",
        description=package.summary if package is not None else "",
        sha256=file.sha256 if file is not None else "",
        files=(file,) if file is not None else (),
        evidence=(),
        origin=program.origin,
    )


def _starter(found: ProcessFacts, members: Mapping[int, ProcessFacts]) -> ProcessFacts:
    """Return the ancestor of a worker that still says what both run, or the process itself."""
    seen: set[int] = set()
    while says_nothing(found) and found.process.pid not in seen:
        seen.add(found.process.pid)
        parent = members.get(found.process.parent)
        if parent is None or parent.process.executable != found.process.executable:
            break
        found = parent
    return found


def says_nothing(found: ProcessFacts) -> bool:
    """Say whether a command line tells no program: a title, or a child of multiprocessing."""
    argv = found.process.argv
    child = any(_CHILD.search(argument) for argument in argv)
    # one argument and no script: a title that the process gave itself
    return child or (len(argv) <= 1 and not _is_script(found) and not found.program.module)


def _is_script(found: ProcessFacts) -> bool:
    program = found.program
    return bool(program.path) and not (
        program.path == found.process.executable and _INTERPRETER.fullmatch(program.name)
    )


def _operand(argv: tuple[str, ...]) -> str:
    """Return what a launcher was told to run: a module's application, or a script."""
    for argument in argv[1:]:
        if applied := _APPLICATION.fullmatch(argument):
            return applied["module"]
    scripts = (a.rpartition("/")[2] for a in argv[2:] if a.endswith(".py") and a[0] != "-")
    return next(scripts, "")
