"""YAML that somebody else wrote, read without surprises."""

from collections.abc import Callable
from typing import Any

import yaml

from aibom.formats.text import printable

# libyaml's parser where PyYAML was built with it: ten times faster
_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Texts: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

_MAX_DEPTH = 50
# values take a kilobyte each while they are made, and of a text of eight megabytes two can be one
_MAX_NODES = 1_000_000
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_MAX_NUMBER = 100
#: Longest text that is read with its lines: values take a hundred times the room of their text.
MAX_LINES_TEXT = 8 << 20

YAMLError = yaml.YAMLError


class _Unique:
    """Refuses duplicate keys, of which PyYAML silently lets the last one win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)  # type: ignore[attr-defined]
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"duplicate key {key!r}", key_node.start_mark
                )
            seen.add(key)
        return dict(super().construct_mapping(node, deep))  # type: ignore[misc]


class _ValuesLoader(_Unique, _Parser):  # type: ignore[misc]
    """YAML with its numbers, dates and truth values."""

    def construct_scalar(self, node: yaml.ScalarNode) -> Any:
        # numbers to the base of 60 take time by the square of their length
        if node.tag in _NUMBERS and len(node.value) > _MAX_NUMBER:
            raise yaml.constructor.ConstructorError(
                None, None, f"a number of {len(node.value)} characters", node.start_mark
            )
        return super().construct_scalar(node)


class Mapping(dict[str, Any]):
    """A mapping that knows in which line, from 1, each of its keys stands."""

    lines: dict[str, int]


class Sequence(list[Any]):
    """A sequence that knows in which line, from 1, each of its items begins."""

    lines: list[int]


class _TextsLoader(_Unique, _Texts):  # type: ignore[misc]
    """YAML whose scalars are all text, so that ``no`` stays Norwegian and ``1.10`` a version."""


class _LinesLoader(_TextsLoader):
    """Texts, in mappings and sequences that know their lines."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        found = Mapping(super().construct_mapping(node, deep))
        keys = (key for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        found.lines = {key.value: key.start_mark.line + 1 for key in keys}
        return found

    def construct_sequence(self, node: yaml.SequenceNode, deep: bool = False) -> list[Any]:
        found = Sequence(super().construct_sequence(node, deep))
        found.lines = [item.start_mark.line + 1 for item in node.value]
        return found


def load(data: bytes | str) -> Any:
    """Return the one document in ``data``. Raises YAMLError, also for aliases and deep nesting."""
    return _load(data, _ValuesLoader)


def load_texts(data: bytes | str) -> Any:
    """Return the one document in ``data`` with every scalar as it is written. Raises YAMLError."""
    return _load(data, _TextsLoader)


def load_lines(data: bytes | str) -> tuple[Any, ...]:
    """Return every document in ``data`` as load_texts does, with ``Mapping`` and ``Sequence``.

    Raises YAMLError, also for aliases, deep nesting, and more than MAX_LINES_TEXT characters.
    """
    if len(data) > MAX_LINES_TEXT:
        raise YAMLError(f"more than {MAX_LINES_TEXT} characters")
    found: list[Any] = _guarded(data, lambda: list(yaml.load_all(data, Loader=_LinesLoader)))
    return tuple(found)


def line_of(container: object, key: str | int) -> int:
    """Return the line of a key of a ``Mapping`` or an item of a ``Sequence``; 0 if unknown."""
    if isinstance(container, Mapping):
        return container.lines.get(str(key), 0)
    if isinstance(container, Sequence) and isinstance(key, int) and key < len(container.lines):
        return container.lines[key]
    return 0


def mistake(error: YAMLError) -> tuple[int, str]:
    """Return the line of what is wrong, 0 if unknown, and what it is, in one line of words."""
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or str(error)
    return (mark.line + 1 if mark is not None else 0), printable(" ".join(said.split()), 200)


def _load(data: bytes | str, loader: Any) -> Any:
    return _guarded(data, lambda: yaml.load(data, Loader=loader))  # noqa: S506 - both are safe


def _guarded(data: bytes | str, construct: Callable[[], Any]) -> Any:
    try:
        _check_shape(data)
        return construct()
    # keys that cannot be one, and tags that a scalar does not fit: "!!bool x", "!!int ''"
    except (ArithmeticError, AttributeError, LookupError, RecursionError) as error:
        raise YAMLError(repr(error)) from None
    except (TypeError, ValueError) as error:
        raise YAMLError(str(error)) from None


def _check_shape(data: bytes | str) -> None:
    """Refuse aliases, with which a few lines make billions of nodes, and deep nesting."""
    depth = nodes = 0
    for event in yaml.parse(data, Loader=_Parser):
        nodes += isinstance(event, yaml.NodeEvent)
        if nodes > _MAX_NODES:
            raise YAMLError(f"more than {_MAX_NODES:,} values")
        if isinstance(event, yaml.AliasEvent):
            raise YAMLError(f"an alias (*{event.anchor}){event.start_mark}")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            raise YAMLError(f"nested deeper than {_MAX_DEPTH} levels")


#: Where a value stands in a document: keys and indexes from the top.
Place = tuple[str | int, ...]


def places(data: bytes | str) -> dict[Place, int]:
    """Return the line, from 1, of each value of the document in ``data``. Raises YAMLError.

    The value of a key has the line of the key.
    """
    _check_shape(data)
    found: dict[Place, int] = {}
    stack: list[tuple[Place, int, Any]] = [((), 1, yaml.compose(data, Loader=_Texts))]
    while stack:
        place, line, node = stack.pop()
        found[place] = line
        if isinstance(node, yaml.MappingNode):
            stack += [((*place, str(k.value)), k.start_mark.line + 1, v) for k, v in node.value]
        elif isinstance(node, yaml.SequenceNode):
            stack += [((*place, n), v.start_mark.line + 1, v) for n, v in enumerate(node.value)]
    return found


def dump(value: Any) -> str:
    """Return a tree of mappings, lists and plain values as YAML, in the order that they have."""
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000)
    return text
