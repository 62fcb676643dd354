"""Chat templates: Jinja that the runtime of a model executes on every conversation.

transformers renders them in Jinja's sandbox, llama.cpp with an interpreter of its own; others use
plain Jinja, where a template that reaches Python's inner attributes runs any code.
"""

import hashlib

from aibom.formats.jsontext import load_object, text_of
from aibom.formats.modelfolder.jinjacheck import MAX_TEMPLATE, examine_text
from aibom.formats.text import printable
from aibom.types.concerns import Concern
from aibom.types.model import ChatTemplate

Examined = tuple[ChatTemplate, tuple[Concern, ...]]

#: What a template is called that has no name of its own (transformers, chat_template_utils.py).
DEFAULT = "default"

_MAX_TEMPLATES = 50


def examine(name: str, text: str, path: str = "", limit: int = MAX_TEMPLATE) -> Examined:
    """Return a template's digest and length in bytes, and what deserves a look in it.

    ``path`` is the file that has it, empty for a model's own header. Of a text of more than
    ``limit`` characters only a note says that it was not examined.
    """
    data = text.encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(data).hexdigest()
    template = ChatTemplate(printable(name, 200) or DEFAULT, digest, len(data), path)
    return template, examine_text(text, path, limit)


def from_tokenizer_config(data: bytes, path: str = "") -> list[Examined]:
    """Return the templates of ``tokenizer_config.json``, ``chat_template.json`` or the like.

    ``chat_template`` is one text, or a list of objects with ``name`` and ``template``; older
    processors keep an object of them (transformers, tokenization_utils_base.py). All of them
    together are examined up to MAX_TEMPLATE characters, so that many cost no more than one.
    """
    document = load_object(data) or {}
    value = document.get("chat_template")
    if isinstance(value, str):
        return [examine(DEFAULT, value, path)]
    if isinstance(value, dict):
        value = [{"name": name, "template": template} for name, template in value.items()]
    entries = value[:_MAX_TEMPLATES] if isinstance(value, list) else []
    found, left = [], MAX_TEMPLATE
    for entry in entries:
        text = entry.get("template") if isinstance(entry, dict) else None
        if isinstance(text, str):
            found.append(examine(text_of(entry, "name"), text, path, left))
            left -= len(text) if len(text) <= left else 0
    return found
