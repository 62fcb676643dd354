"""Elements of CycloneDX XML as the values that CycloneDX JSON has; see ``bomxml``."""

from typing import Any

from aibom.formats.documents import bomxmlnames as names

# where the dependencies that are nested in one wait for their place in the graph; no XML name
_NESTED = "#nested"


class Element:
    """An element that is open: its attributes, its children so far, and its text."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        """Begin an element that has nothing in it yet."""
        self.name = name
        self.attributes = attributes
        self.children: list[tuple[str, Any]] = []
        self.text: list[str] = []


def value(element: Element, parent: str) -> Any:
    """Return what an element that ended says; ``parent`` is the name of the one around it."""
    special = _SPECIAL.get(element.name)
    if special is not None and (element.children or element.attributes):
        return special(element, parent)
    if _is_list(element):
        return _items(element, parent)
    if element.children or element.attributes:
        return members(element)
    text = "".join(element.text).strip()
    return text in names.TRUE if element.name in names.BOOLEANS else text


def _is_list(element: Element) -> bool:
    items = names.LISTS.get(element.name)
    if items is None:
        return False
    if not element.children:
        return not element.attributes and not "".join(element.text).strip()
    # attributes that the schema does not have are allowed anywhere
    return all(name in items for name, _ in element.children)


def _items(element: Element, parent: str) -> list[Any]:
    values = [v for _, v in element.children]
    if element.name in names.REFS or parent == "composition":
        return [v.get("ref", "") if isinstance(v, dict) else v for v in values]
    return values


def members(element: Element) -> dict[str, Any]:
    """Return an element as an object: its attributes, its children, and its text."""
    found: dict[str, Any] = dict(element.attributes)
    repeated = names.REPEATED.get(element.name, ())
    for name, value in element.children:
        key = names.MEMBERS.get((element.name, name), name)
        if name in repeated:
            found.setdefault(key, []).append(value)
        elif key in found:
            _again(found, key, value)
        else:
            found[key] = value
    text = "".join(element.text).strip()
    if text:
        found.setdefault(names.TEXT.get(element.name, "content"), text)
    return found


def _again(found: dict[str, Any], name: str, value: Any) -> None:
    """Add a second element of a name."""
    first = found[name]
    if isinstance(first, list) and isinstance(value, list):
        first.extend(value)
    elif isinstance(first, list):
        first.append(value)
    else:
        found[name] = [first, value]


def _licences(element: Element, _: str) -> list[Any]:
    """Return licences: JSON tells a licence from an expression by the member's name."""
    return [_expression(v) if name != "license" else {name: v} for name, v in element.children]


def _expression(value: Any) -> Any:
    if not isinstance(value, dict):
        return {"expression": value}
    rest = {key: v for key, v in value.items() if key != "content"}
    return {"expression": value.get("content", "")} | rest


def _tools(element: Element, parent: str) -> Any:
    """Return tools: a list of them until 1.4, components and services since."""
    if any(name != "tool" for name, _ in element.children):
        return members(element)
    values = [v for _, v in element.children]
    if parent == "identity":  # references
        return [v.get("ref", "") if isinstance(v, dict) else v for v in values]
    return values


def _dependency(element: Element, _: str) -> dict[str, Any]:
    """Return what depends on what: nested elements of one name are references."""
    found: dict[str, Any] = dict(element.attributes)
    for name, key in (("dependency", "dependsOn"), ("provides", "provides")):
        refs = [v.get("ref", "") for n, v in element.children if n == name and isinstance(v, dict)]
        if refs:
            found[key] = refs
    # what a nested one depends on is said in it
    nested = [v for n, v in element.children if n == "dependency" and isinstance(v, dict)]
    if more := [v for v in nested if len(v) > 1]:
        found[_NESTED] = more
    return found


def _dependencies(element: Element, parent: str) -> Any:
    """Return the graph of dependencies, without nesting."""
    if not all(isinstance(v, dict) for _, v in element.children) or parent == "composition":
        return _items(element, parent)
    found: list[dict[str, Any]] = []
    waiting = [v for _, v in reversed(element.children)]
    while waiting:
        entry = waiting.pop()
        waiting += reversed(entry.pop(_NESTED, []))
        found.append(entry)
    return found


def _copyright(element: Element, parent: str) -> Any:
    """Return copyrights: of evidence they are a list of texts."""
    if parent != "evidence":
        return members(element)
    return [{"text": v} for _, v in element.children]


def _data(element: Element, parent: str) -> Any:
    """Return the data of a service, which JSON has as a list with the flow in each item."""
    if parent != "service":
        return members(element)
    return [
        {"flow": v.get("flow", ""), "classification": v.get("content", "")}
        if name == "classification" and isinstance(v, dict)
        else v
        for name, v in element.children
    ]


_SPECIAL = {
    "copyright": _copyright,
    "data": _data,
    "dependencies": _dependencies,
    "dependency": _dependency,
    "licenses": _licences,
    "tools": _tools,
}
