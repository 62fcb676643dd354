"""What deserves a look in a chat template, by its syntax tree. Nothing is compiled or rendered."""

import re
from collections.abc import Iterable, Iterator

from jinja2 import Environment, TemplateError, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser

from aibom.formats.modelfolder.hiddentext import hidden
from aibom.formats.modelfolder.jinjatext import Texts, every_node
from aibom.formats.text import printable
from aibom.types.concerns import Concern, ConcernLevel

#: Characters of a template that is examined: the longest real ones have 30,000, and a hostile one
#: of this length takes half a second.
MAX_TEMPLATE = 100_000

_MAX_CONCERNS = 20

# Jinja's sandbox refuses larger ones (sandbox.py, MAX_RANGE)
_MAX_RANGE = 100_000

_DUNDER = re.compile(r"__\w{1,60}__")

# Inner attributes of Python's objects that lead from any value to any code: those that Jinja's
# sandbox refuses by name (sandbox.py, UNSAFE_*_ATTRIBUTES) and those of the published escapes.
_WORDS = (
    "base|bases|builtins|call|class|closure|code|dict|func|getattribute|globals|import|init"
    "|init_subclass|loader|mro|new|reduce|reduce_ex|self|spec|subclasses|wrapped"
)
_INNER = f"__(?:{_WORDS})__"
_PIECES = frozenset(
    piece
    for word in _WORDS.split("|")
    for cut in range(len(word) - 1)
    for piece in (f"__{word[: cut + 2]}", f"{word[cut:]}__")
)
_PATH = re.compile(r"[\w.]{1,500}")
_IN_FORMAT = re.compile(r"\{[^{}]{0,100}?(" + _INNER + ")")
_MENTIONED = re.compile(_INNER + r"(?!\.py)")
_FRAMES = re.compile(
    "(?:ag|cr|gi)_(?:code|frame)|f_(?:back|builtins|globals|locals)|func_(?:code|globals)|tb_frame"
)

_OTHER_FILES = (nodes.Extends, nodes.FromImport, nodes.Import, nodes.Include)

Found = tuple[ConcernLevel, str]


class _Generation(Extension):
    """``{% generation %}``, with which transformers marks what an assistant said."""

    tags = {"generation"}  # noqa: RUF012 - as Jinja declares it

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


# As transformers makes its own (chat_template_utils.py), and ``do``, which others have.
_ENVIRONMENT = Environment(  # noqa: S701 - nothing is rendered, so that there is nothing to escape
    trim_blocks=True,
    lstrip_blocks=True,
    extensions=["jinja2.ext.loopcontrols", "jinja2.ext.do", _Generation],
)


def examine_text(text: str, path: str = "", limit: int = MAX_TEMPLATE) -> tuple[Concern, ...]:
    """Return what deserves a look in a template, sorted, each once, and at most twenty of them.

    ``path`` is kept with each. What does not parse, and what is longer than ``limit`` characters,
    is a note; what is longer than any real template is suspicious. Then only the inner attributes
    are found that stand in the text as they are.
    """
    found = set(_examine(text, limit))
    return worst(Concern("chat-template", lv, printable(said, 300), path) for lv, said in found)


def worst(concerns: Iterable[Concern]) -> tuple[Concern, ...]:
    """Return concerns with the dangerous ones first, each once, at most twenty."""
    ordered = sorted(set(concerns), key=lambda c: (_LEVELS.index(c.level), c))
    return tuple(ordered[:_MAX_CONCERNS])


_LEVELS: tuple[ConcernLevel, ...] = ("dangerous", "suspicious", "note")


def _examine(text: str, limit: int) -> Iterator[Found]:
    if len(text) > min(limit, MAX_TEMPLATE):
        # padding makes a template too long, and no real one is
        level: ConcernLevel = "suspicious" if len(text) > MAX_TEMPLATE else "note"
        yield level, f"not examined: {len(text)} characters"
        for name in sorted(set(_MENTIONED.findall(text))):
            yield "suspicious", f"{name} in a text that was not examined"
        return
    for detail in hidden(text):
        yield "suspicious", detail
    try:
        tree = _ENVIRONMENT.parse(text)
    # Jinja's lexer warns of odd escapes in a text, which is an error with python -W error
    except (TemplateError, ValueError, RecursionError, DeprecationWarning) as error:
        reason = error.message if isinstance(error, TemplateError) else type(error).__name__
        yield "note", f"not examined: no Jinja that parses ({reason})"
        return
    found = every_node(tree)
    texts = Texts(found)
    for made in texts.all():
        for name in _named(made):
            yield "dangerous", f"the attribute {name}, named by a text"
        if made in _PIECES:
            yield "suspicious", f"a piece of an inner attribute's name: {made}"
    for node in found:
        yield from _of_node(node, texts)


def _of_node(node: nodes.Node, texts: Texts) -> Iterator[Found]:
    if isinstance(node, _OTHER_FILES):
        yield "suspicious", f"{type(node).__name__.lower()} of another template"
    elif isinstance(node, nodes.Getattr):
        yield from _attribute(node.attr)
    elif isinstance(node, nodes.Name | nodes.Keyword):
        name = node.name if isinstance(node, nodes.Name) else node.key
        if _DUNDER.fullmatch(name):
            yield "dangerous", f"the name {name}"
        elif name == "lipsum":  # makes dummy text, and is a well-known way to a function's globals
            yield "suspicious", "the name lipsum"
    elif isinstance(node, nodes.Filter) and node.name == "attr":
        yield from _attr_filter(node, texts)
    elif isinstance(node, nodes.Call | nodes.Mul):
        yield from _large(node)


def _named(text: str) -> list[str]:
    """Return the inner attributes that a text is the name of, or asks for as a format.

    A text that merely mentions one is none: a system prompt may well say ``__init__.py``.
    """
    path = text.split(".") if _PATH.fullmatch(text) and not text.endswith(".py") else []
    return [part for part in path if re.fullmatch(_INNER, part)] + _IN_FORMAT.findall(text)


def _attribute(name: str) -> Iterator[Found]:
    if _DUNDER.fullmatch(name) or _FRAMES.fullmatch(name):
        yield "dangerous", f"the attribute {name}"
    elif name.startswith("_"):
        yield "suspicious", f"the attribute {name}, which sandboxes refuse"


def _attr_filter(node: nodes.Filter, texts: Texts) -> Iterator[Found]:
    text = texts.of(node.args[0]) if node.args else None
    if text is None:
        yield "suspicious", "an attribute whose name is made when the template runs (attr)"
    else:
        yield from _attribute(text)


def _large(node: nodes.Call | nodes.Mul) -> Iterator[Found]:
    """Find loops and texts of a size that only the author of the template chose."""
    if isinstance(node, nodes.Mul):
        sizes: list[nodes.Expr] = [node.left, node.right]
        what = "a text repeated"
        if not any(isinstance(s, nodes.Const) and isinstance(s.value, str) for s in sizes):
            return
    elif isinstance(node.node, nodes.Name) and node.node.name == "range":
        sizes, what = node.args, "a range of"
    else:
        return
    numbers = [s.value for s in sizes if isinstance(s, nodes.Const) and isinstance(s.value, int)]
    if any(number > _MAX_RANGE for number in numbers):
        yield "note", f"{what} {max(numbers)}"
