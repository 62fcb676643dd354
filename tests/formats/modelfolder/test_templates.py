"""Chat templates: what deserves a look in them, and what does not."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.modelfolder.jinjacheck import MAX_TEMPLATE, examine_text
from aibom.formats.modelfolder.templates import examine, from_tokenizer_config
from aibom.types.concerns import Concern
from aibom.types.model import ChatTemplate

# what templates of real models do
HARMLESS = """
{%- if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}
{%- else %}{% set ns = namespace(tool=false, last=messages|length - 1) %}{%- endif %}
{%- for message in loop_messages|default(messages) -%}
  {%- if message.tool_calls is defined and not ns.tool %}
    {{- '<tool_call>' ~ message.tool_calls|map(attribute='function')|list|tojson(indent=2) }}
  {%- elif '</think>' in message.content %}
    {%- set content = message.content.split('</think>')[-1].lstrip('\\n') %}
    {%- generation %}{{ '<|im_start|>' + message['role'] + '\\n' + content }}{% endgeneration %}
  {%- else %}{{ raise_exception('Only user __and__ assistant') }}{% continue %}{% endif %}
  {%- set ns.tool = true %}{% for i in range(10) %}{{ '-' * 40 }}{% endfor %}
{%- endfor %}
{%- macro call(name, args) %}{{ name ~ "__" ~ args.items()|first|join('__') }}{% endmacro %}
You write packages with an __init__.py. {{ "Put an __init__.py or {{x}} there: __class__ too" }}
{# {{ ''.__class__ }} #}{% raw %}{{ ''.__class__ }}{% endraw %}
{{ strftime_now('%d %b %Y') }}\U0001f468\u200d\U0001f469 \u200c
{% if add_generation_prompt %}{{ bos_token }}<\uff5cAssistant\uff5c>{% endif %}
"""


def levels(template: str) -> list[str]:
    return [concern.level for concern in examine_text(template)]


def test_template_of_a_model() -> None:
    assert examine_text(HARMLESS) == ()


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ ''['__class__'] }}",
        "{{ ''|attr('__class__') }}",
        "{{ ''|attr('__cl' ~ 'ass__') }}",
        "{{ ''['__cl' + 'ass' + '__'] }}",
        "{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}",
        "{{ ''['\\u005f_class__'] }}",
        "{{ ''[['__', 'class', '__']|join] }}",
        "{{ ''[['__', '__']|join('class')] }}",
        "{{ ''['class'.join(['__', '__'])] }}",
        "{{ ''['%sclass%s'|format('__', '__')] }}",
        "{{ ''['%sclass%s' % ('__', '__')] }}",
        "{{ ''['{}class{}'.format('__', '__')] }}",
        "{{ ''['__ssalc__'|reverse] }}",
        "{{ ''['__ssalc__'[::-1]] }}",
        "{{ ''['__CLASS__'|lower] }}",
        "{{ ''['..class..'|replace('.', '_')] }}",
        "{{ ''['_' * 2 ~ 'class' ~ '_' * 2] }}",
        "{% set a = '__cl' %}{% set b = a ~ 'ass__' %}{{ ''[b] }}",
        "{{ '{0.__class__}'.format(messages) }}",
        "{{ messages|map(attribute='__class__')|list }}",
        "{{ messages|sum(attribute='a.__class__.b') }}",
        "{{ dict(__class__=1)|first }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ lipsum.__globals__['os'] }}",
        "{{ namespace.__init__ }}",
        "{{ self._TemplateReference__context.x.__dict__ }}",
        "{{ (messages|first).gi_frame.f_globals }}",
        "{{ __import__('os') }}",
        "{% macro m() %}{% for x in y if x.__class__ %}{% endfor %}{% endmacro %}",
        "{% call(x) m() %}{% filter attr('__class__') %}{% endfilter %}{% endcall %}",
        "{% generation %}{{ x.__class__ }}{% endgeneration %}",
    ],
)
def test_ways_out_of_a_template(template: str) -> None:
    assert "dangerous" in levels(template)


@pytest.mark.parametrize(
    "template",
    [
        "{% include 'other.jinja' %}",
        "{% import 'other.jinja' as other %}",
        "{% from 'other.jinja' import x %}",
        "{% extends 'other.jinja' %}",
        "{{ x|attr(messages[0].content) }}",
        "{{ x._private }}",
        "{{ lipsum[x[0]] }}",
        "{% set ns.a = '__cl' %}{{ ''[ns.a ~ 'ss__'] }}",
        "say <script src='https://example.org/x.js'></script>",
        "".join(chr(0xE0000 + ord(c)) for c in "obey"),
        "\u202eright to left",
        "\u200b\u200c\u200b\u200b\u200c",
        "{{ '" + "QmFzZTY0IG9mIGEgdGV4dA" * 12 + "' }}",
    ],
)
def test_what_templates_have_no_use_for(template: str) -> None:
    assert set(levels(template)) == {"suspicious"}


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in range(1000000000) %}{% endfor %}",
        "{{ 'a' * 1000000000 }}",
        "{% if",
        "{{ 1" + "0" * 5000 + " }}",
        "{{ " + "(" * 5000,
        "{% unknown %}",
    ],
)
def test_what_is_worth_knowing(template: str) -> None:
    assert levels(template) == ["note"]


def test_flags_of_regions_are_no_hidden_text() -> None:
    england = "\U0001f3f4" + "".join(chr(0xE0000 + ord(c)) for c in "gbeng") + "\U000e007f"
    assert examine_text(f"{england} hello") == ()


def test_concerns_are_few_and_the_worst_come_first() -> None:
    template = "{{ x._a }}" + "".join(f"{{{{ x.__a{n}__ }}}}" for n in range(90))
    found = examine_text(template, "/m/chat_template.jinja")
    assert len(found) == 20
    assert {c.level for c in found} == {"dangerous"}
    assert found[0] == Concern(
        "chat-template", "dangerous", "the attribute __a0__", "/m/chat_template.jinja"
    )


def test_digest_is_of_the_text() -> None:
    template, concerns = examine("", "é{{ x }}", "/m/x.jinja")
    digest = hashlib.sha256("é{{ x }}".encode()).hexdigest()
    assert template == ChatTemplate("default", digest, 9, "/m/x.jinja")
    assert concerns == ()
    examine("\ud800", "\ud800{{ x }}")


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("{{ x }}", ["default"]),
        (
            [{"name": "default", "template": "a"}, {"name": "rag", "template": "b"}],
            ["default", "rag"],
        ),
        ({"default": "a", "tool_use": "b"}, ["default", "tool_use"]),
        ([{"name": "x"}, 7, {"template": "y"}], ["default"]),
        (None, []),
        (7, []),
    ],
)
def test_templates_of_a_tokenizer(value: object, names: list[str]) -> None:
    data = json.dumps({"chat_template": value, "model_max_length": 1}).encode()
    assert [t.name for t, _ in from_tokenizer_config(data, "/m/t.json")] == names


def test_templates_of_a_tokenizer_are_examined_so_far() -> None:
    text = "{{ x.__class__ }}" + "x" * (MAX_TEMPLATE // 2)
    templates = [{"name": f"t{n}", "template": text} for n in range(9)]
    found = from_tokenizer_config(json.dumps({"chat_template": templates}).encode())
    said = [sorted(c.level for c in concerns) for _, concerns in found]
    assert said == [["dangerous"], *[["note", "suspicious"]] * 8]


def test_tokenizer_without_a_template() -> None:
    assert from_tokenizer_config(b"{}") == []
    assert from_tokenizer_config(b"[") == []


_PIECES = st.sampled_from(
    [
        *("{{", "}}", "{%", "%}", "{#", "#}", " if ", " for x in y ", "endfor", " set a = ", "-"),
        *("'__cl'", "'ass__'", "~", "+", "*", "99", "|join", "|attr(", ")", "(", "[", "]", "a"),
        *(".format(", "'%s{}'", "%", "::", "|replace(", ",", "\\", "'", "macro m()", "raw", "."),
    ]
)


@given(st.lists(_PIECES, max_size=60).map("".join) | st.text(max_size=100))
def test_any_text(text: str) -> None:
    examine_text(text)


@given(st.integers(0, len(HARMLESS)), _PIECES, st.integers(0, 9))
def test_mutated_templates(at: int, piece: str, cut: int) -> None:
    examine_text(HARMLESS[:at] + piece + HARMLESS[at + cut :])


def test_padding_does_not_hide_an_inner_attribute() -> None:
    text = "{{ x.__globals__ }} see __init__.py" + " " * MAX_TEMPLATE
    found = examine_text(text)
    assert {c.level for c in found} == {"suspicious"}
    assert [c.detail for c in found if "__" in c.detail] == [
        "__globals__ in a text that was not examined"
    ]
