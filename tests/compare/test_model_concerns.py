"""What is dangerous to load is a finding, whatever was declared."""

from aibom.pipeline import compared, observed
from aibom.rulebook.load import load
from aibom.types.concerns import Concern
from aibom.types.policy import Promised
from tests import make

CONCERNS = (
    Concern("layer-code", "note", "its code calls operators of libraries: torchvision.nms"),
    Concern("outside-reference", "dangerous", "tensors are read from outside: ../x"),
    Concern("pickle-code", "dangerous", "imports os.system"),
)


def test_concerns_of_a_model_are_findings() -> None:
    use = make.model_use(make.file("/m/a.pt"), format="pytorch", concerns=CONCERNS)
    facts = make.node([make.seen(models=(use,))])
    (assessment,) = compared(observed(facts, load()), Promised()).assessments
    found = {f.kind.id: f for f in assessment.findings}
    assert {"AIBOM-401", "AIBOM-402", "AIBOM-405"} <= found.keys()
    assert found["AIBOM-401"].severity == "high"
    assert found["AIBOM-401"].evidence == "/m/a.pt: imports os.system"
    assert found["AIBOM-402"].severity == "info"
