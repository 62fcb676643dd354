"""The file of settings: YAML, of which JSON is a part."""

from collections.abc import Iterator

from aibom.agent.config.fields import SECTIONS, SETTINGS, Path
from aibom.agent.config.given import Given, known_names, unknown
from aibom.agent.errors import AgentError
from aibom.formats import yamltext
from aibom.formats.text import printable

#: Largest file of settings, in bytes.
MAX_SIZE = 1 << 20
# how an empty value comes out of YAML whose scalars are all texts
_NOTHING = ("", "null", "~")


def of_document(data: bytes, name: str) -> dict[Path, Given]:
    """Return what a file says, whose name for messages is ``name``. Raises AgentError."""
    name = printable(name, 200)
    try:
        documents = yamltext.load_lines(data)
    except yamltext.YAMLError as error:
        raise AgentError(_broken(name, error)) from None
    if len(documents) > 1:
        raise AgentError(f"{name}: {len(documents)} documents, where one is wanted")
    if not documents or documents[0] in _NOTHING:
        return {}
    if not isinstance(documents[0], yamltext.Mapping):
        raise AgentError(f"{name}:1: no mapping of settings")
    return dict(_walked(documents[0], (), name))


def _walked(section: yamltext.Mapping, above: Path, name: str) -> Iterator[tuple[Path, Given]]:
    for key, value in section.items():
        path = (*above, key)
        dotted = ".".join(path)
        place = f"{name}:{yamltext.line_of(section, key)}: {printable(dotted, 200)}"
        if path in SETTINGS:
            if value != "" or SETTINGS[path].base in (str, tuple, dict):
                yield path, Given(value, place)
        elif path not in SECTIONS:
            raise AgentError(f"{place}: {unknown(dotted, known_names())}")
        elif isinstance(value, yamltext.Mapping):
            yield from _walked(value, path, name)
        elif value not in _NOTHING:
            raise AgentError(f"{place}: not a mapping of settings")


def _broken(name: str, error: yamltext.YAMLError) -> str:
    line, said = yamltext.mistake(error)
    return f"{name}:{line}: not YAML: {said}" if line else f"{name}: not YAML: {said}"
