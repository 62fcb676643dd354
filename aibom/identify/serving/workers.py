"""What the processes of one server call themselves, and what each is for."""

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from aibom.formats.text import printable
from aibom.identify.agents.programs import says_nothing
from aibom.types.facts import ProcessFacts

#: Most kinds of workers that are listed of one server.
MAX_WORKERS = 64
_MAX_TITLE = 100
# what titles and commands call the parts of a server, the most telling words first. Of titles:
# vLLM's set_process_title (vllm/utils/system_utils.py), SGLang's setproctitle calls
# (sglang/srt/managers), gunicorn's util._setproctitle, ray's raylet (ray::NAME); of commands:
# multiprocessing's (Lib/multiprocessing), text-generation-inference's and Ollama's programs
_PARTS: tuple[tuple[str, str], ...] = (
    ("resource tracker", r"resource_tracker"),
    ("fork server", r"forkserver"),
    ("master", r"\bmaster\b"),
    ("engine", r"engine"),
    ("API server", r"api_?server"),
    ("coordinator", r"coordinator"),
    ("detokenizer", r"detokenizer"),
    ("tokenizer", r"tokenizer"),
    ("scheduler", r"scheduler"),
    ("router", r"router"),
    ("launcher", r"launcher"),
    ("runner", r"\brunner\b"),
    ("stub", r"_stub\b"),
)
_ROLES = tuple((role, re.compile(word, re.IGNORECASE)) for role, word in _PARTS)
_MODULE = re.compile(r"\bmultiprocessing\.\w+")
# numbers of processes and ports, which differ between runs
_PASSING = re.compile(r"(?<=:)\d+|\d{4,}")
_WORD = re.compile(r"[a-z][a-z_-]*")


def workers_of(members: Sequence[ProcessFacts]) -> tuple[str, ...]:
    """Return ``ROLE: TITLE`` of all processes but the first, sorted; equal ones are counted.

    Nothing is in it that differs between two runs, as pids and ports do.
    """
    by_pid = {found.process.pid: found for found in members}
    counted = Counter(_worker(found, by_pid.get(found.process.parent)) for found in members[1:])
    return tuple(_shown(counted))


def _shown(counted: Counter[str]) -> Iterable[str]:
    for text, count in sorted(counted.items())[:MAX_WORKERS]:
        yield f"{text} ({count} processes)" if count > 1 else text
    if len(counted) > MAX_WORKERS:
        yield f"and {len(counted) - MAX_WORKERS} more"


def _worker(found: ProcessFacts, parent: ProcessFacts | None) -> str:
    title = _title(found)
    role = next((role for role, word in _ROLES if word.search(title)), "worker")
    if role == "fork server" and parent and parent.process.argv == found.process.argv:
        role = "worker"  # what a fork server forks bears the fork server's command line
    return f"{role}: {title}"


def _title(found: ProcessFacts) -> str:
    """Return what a process calls itself, or what it runs, without what differs between runs."""
    argv = found.process.argv
    modules = [m[0] for argument in argv if (m := _MODULE.search(argument))]
    if modules:
        return modules[0]
    if argv and says_nothing(found):
        own = argv[0] if argv[0] != found.process.executable else found.process.comm
        return printable(_PASSING.sub("N", own), _MAX_TITLE)
    name = found.program.module or found.program.name or posixpath.basename(argv[0] if argv else "")
    command = argv[1] if len(argv) > 1 and _WORD.fullmatch(argv[1]) else ""
    # of an interpreter the first argument is the program
    own_command = command if not found.program.module else ""
    return printable(f"{name} {own_command}".strip() or found.process.comm, _MAX_TITLE)
