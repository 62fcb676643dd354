"""Code that models brought along: one component per repository and commit, whatever is in it."""

from dataclasses import replace

from aibom.identify.features import Witness
from aibom.identify.models.remotecode import CodeShelf, code_links
from aibom.types.inventory import Component, Link
from aibom.types.modelfiles import Companion
from aibom.types.packages import RemoteCode
from tests import make

CODE = make.file("/h/modules/transformers_modules/org/tiny/c1/modeling.py", "cd" * 32)


def components(*found: RemoteCode) -> list[Component]:
    shelf = CodeShelf()
    shelf.add(found, Witness(make.seen(), None))
    return shelf.components()


def test_the_same_code_at_two_commits_is_two_components() -> None:
    found = components(*(RemoteCode("org/tiny", c, ("modeling",), (CODE,)) for c in ("c1", "c2")))
    assert [c.version for c in found] == ["c1", "c2"]
    assert len({c.ref for c in found}) == 2


def test_a_model_leads_to_the_code_that_lies_beside_it() -> None:
    (code,) = components(RemoteCode("org/tiny", "c1", ("modeling",), (CODE,)))
    beside = Companion("code", replace(CODE, path="/m/tiny/modeling.py"))
    model = make.component("model", companions=(beside,))
    assert code_links([model, code]) == {Link(model.ref, code.ref)}
    assert [c.kind for c in code.concerns] == ["custom-code"]
