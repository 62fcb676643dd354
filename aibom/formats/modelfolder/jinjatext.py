"""The texts that the expressions of a Jinja template make, as far as they are certain.

Names that a check would find are put together from pieces: ``'__cl' ~ 'ass__'``, ``['__', 'class',
'__'] | join``, ``'%sclass%s' | format('__', '__')``. Jinja's own folding (``as_const``) is not
used: it runs filters, and ``'a' * 10 ** 10`` in it takes all memory.
"""

from collections.abc import Callable, Iterable, Sequence

from jinja2 import nodes

# Characters of a text that is put together: longer ones are no names of anything.
_MAX_MADE = 500
# How often variables are followed into the texts of other variables.
_ROUNDS = 4


def every_node(tree: nodes.Node) -> list[nodes.Node]:
    """Return all nodes of a tree, parents before their children, without recursion."""
    found = [tree]
    for node in found:  # which grows meanwhile
        found += node.iter_child_nodes()
    return found


class Texts:
    """What is known of the expressions of one template."""

    def __init__(self, found: Sequence[nodes.Node]) -> None:
        """Put together what can be, of the nodes that every_node returned."""
        self._made: dict[int, str | None] = {}
        self._names: dict[str, str] = {}
        assigned = [n for n in found if isinstance(n, nodes.Assign)]
        for _ in range(_ROUNDS):
            for node in reversed(found):  # children before their parents
                if (read := _READERS.get(type(node))) is not None:
                    self._made[id(node)] = read(self, node)
            names = self._single(assigned)
            if names == self._names:
                break
            self._names = names

    def of(self, node: nodes.Node | None) -> str | None:
        """Return the text that an expression makes; None when that is not certain."""
        return self._made.get(id(node))

    def all(self) -> set[str]:
        """Return every text that an expression makes or has."""
        return {text for text in self._made.values() if text}

    def variable(self, name: str) -> str | None:
        """Return the one text that a variable is ever set to."""
        return self._names.get(name)

    def joined(self, parts: Iterable[nodes.Node], between: str = "") -> str | None:
        """Return the texts of several expressions as one, when all are certain and short."""
        texts, size = [], 0
        for part in parts:
            text = self.of(part)
            size += len(between) + len(text or "")
            if text is None or size > _MAX_MADE:
                return None
            texts.append(text)
        return between.join(texts)

    def _single(self, assigned: list[nodes.Assign]) -> dict[str, str]:
        values: dict[str, set[str | None]] = {}
        for node in assigned:
            if isinstance(node.target, nodes.Name):
                values.setdefault(node.target.name, set()).add(self.of(node.node))
        single = {name: next(iter(texts)) for name, texts in values.items() if len(texts) == 1}
        return {name: text for name, text in single.items() if text is not None}


def _const(_: Texts, node: nodes.Const) -> str | None:
    return node.value if isinstance(node.value, str) else None


def _name(texts: Texts, node: nodes.Name) -> str | None:
    return texts.variable(node.name)


def _concat(texts: Texts, node: nodes.Concat) -> str | None:
    return texts.joined(node.nodes)


def _add(texts: Texts, node: nodes.Add) -> str | None:
    return texts.joined((node.left, node.right))


def _mul(texts: Texts, node: nodes.Mul) -> str | None:
    text, times = texts.of(node.left), node.right
    if text is None or not (isinstance(times, nodes.Const) and isinstance(times.value, int)):
        return None
    return text * times.value if 0 <= times.value * len(text) <= _MAX_MADE else None


def _mod(texts: Texts, node: nodes.Mod) -> str | None:
    values = node.right.items if isinstance(node.right, nodes.Tuple) else [node.right]
    return _filled(texts, node.left, values)


def _getitem(texts: Texts, node: nodes.Getitem) -> str | None:
    """Follow ``text[::-1]``."""
    text, part = texts.of(node.node), node.arg
    step = part.step if isinstance(part, nodes.Slice) and not (part.start or part.stop) else None
    backwards = isinstance(step, nodes.Neg) and isinstance(step.node, nodes.Const)
    return text[::-1] if text is not None and backwards and len(text) <= _MAX_MADE else None


def _filter(texts: Texts, node: nodes.Filter) -> str | None:
    return _changed(texts, node.name, node.node, node.args)


def _call(texts: Texts, node: nodes.Call) -> str | None:
    """Follow the methods of text that do what a filter does; ``join`` has its sides swapped."""
    if not isinstance(node.node, nodes.Getattr):
        return None
    method, owner = node.node.attr, node.node.node
    if method == "join" and len(node.args) == 1:
        return _changed(texts, "join", node.args[0], [owner])
    return _changed(texts, method, owner, node.args)


def _changed(texts: Texts, how: str, what: nodes.Expr | None, args: list[nodes.Expr]) -> str | None:
    """Return what a filter makes of an expression."""
    if how == "join":
        between = texts.of(args[0]) if args else ""
        if between is None or not isinstance(what, nodes.List | nodes.Tuple):
            return None
        return texts.joined(what.items, between)
    if how == "format":
        return _filled(texts, what, args)
    text = texts.of(what)
    if text is None or len(text) > _MAX_MADE:
        return None
    if how == "replace":
        return _replaced(text, [texts.of(arg) for arg in args])
    change = _CHANGES.get(how)
    return change(text) if change is not None else None


def _filled(texts: Texts, what: nodes.Expr | None, values: list[nodes.Expr]) -> str | None:
    """Put texts where ``%s`` or ``{}`` stand; other ways of formatting are not followed."""
    form = texts.of(what)
    for value in values[:_MAX_MADE]:
        text = texts.of(value)
        if form is None or text is None or len(form) + len(text) > _MAX_MADE:
            return None
        form = form.replace("%s" if "%s" in form else "{}", text, 1)
    return form


def _replaced(text: str, args: list[str | None]) -> str | None:
    old, new = args if len(args) == 2 else (None, None)
    if not old or new is None or text.count(old) * len(new) > _MAX_MADE:
        return None
    return text.replace(old, new)


_CHANGES: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "reverse": lambda text: text[::-1],
    "safe": str,
    "string": str,
    "strip": str.strip,
    "trim": str.strip,
    "upper": str.upper,
}
_READERS: dict[type, Callable[..., str | None]] = {
    nodes.Add: _add,
    nodes.Call: _call,
    nodes.Concat: _concat,
    nodes.Const: _const,
    nodes.Filter: _filter,
    nodes.Getitem: _getitem,
    nodes.Mod: _mod,
    nodes.Mul: _mul,
    nodes.Name: _name,
}
