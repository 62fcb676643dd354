"""Settings from where they are said: options over environment over file over defaults."""

from collections.abc import Mapping

from aibom.agent.config.document import MAX_SIZE, of_document
from aibom.agent.config.fields import SETTINGS, Path, made
from aibom.agent.config.given import Given, of_environment, of_flags, of_node_name
from aibom.agent.config.settings import Settings
from aibom.agent.config.validate import problems
from aibom.agent.config.values import value_of
from aibom.agent.errors import AgentError
from aibom.formats.text import printable
from aibom.sources.errors import SourceError
from aibom.sources.files import whole_file


def load(file: str | None, environment: Mapping[str, str], flags: Mapping[str, object]) -> Settings:
    """Return the settings that hold.

    ``file`` is read anew by its name each time, as a mounted ConfigMap is replaced by another
    file. ``environment`` has AIBOM_AGENT_ variables, ``flags`` texts by the names of settings
    (``sinks.webhook.url``). Raises AgentError with one line: the place, the setting, the mistake.
    """
    given = of_node_name(environment)
    given |= of_document(_content(file), file) if file is not None else {}
    given |= of_environment(environment)
    given |= of_flags(flags)
    settings = made({path: _value(path, said) for path, said in given.items()})
    for path, problem in problems(settings):
        place = given[path].place if path in given else ".".join(path)
        raise AgentError(f"{place}: {problem}")
    return settings


def _content(file: str) -> bytes:
    try:
        return whole_file(file, MAX_SIZE)
    except SourceError as error:
        raise AgentError(printable(str(error), 300)) from None
    except OSError as error:
        raise AgentError(f"{printable(file, 200)}: {error.strerror}") from None


def _value(path: Path, given: Given) -> object:
    try:
        return value_of(SETTINGS[path], given.value)
    except ValueError as error:
        raise AgentError(f"{given.place}: {error}") from None
