"""Files that the formats' own libraries write, and what those say of them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from aibom.formats.modelfolder import tokenizers
from aibom.formats.models.detect import detect
from aibom.formats.source import MemorySource
from aibom.rulebook.load import load
from aibom.types.model import ModelHeader

pytestmark = pytest.mark.live
Site = Callable[[Sequence[str]], Path]

TREES = """
import json
import lightgbm, numpy, skops.io, xgboost
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

random = numpy.random.default_rng(0)
rows, label = random.random((200, 6)), random.integers(0, 3, 200)
truth = {}
for booster in ("gbtree", "dart", "gblinear"):
    kind = {"booster": booster, "objective": "multi:softprob", "num_class": 3, "nthread": 1}
    model = xgboost.train(kind, xgboost.DMatrix(rows, label), 4)
    for name in (booster + ".json", booster + ".ubj"):
        model.save_model(name)
        trees = None if booster == "gblinear" else len(model.get_dump())
        truth[name] = [booster, model.num_features(), trees, xgboost.__version__]
for boosting in ("gbdt", "dart"):
    kind = {"objective": "multiclass", "num_class": 3, "boosting": boosting, "verbose": -1}
    model = lightgbm.train(kind | {"num_threads": 1}, lightgbm.Dataset(rows, label), 4)
    model.save_model(boosting + ".txt")
    truth[boosting + ".txt"] = [boosting, model.num_feature(), model.num_trees(), None]
skops.io.dump(make_pipeline(StandardScaler(), FunctionTransformer(eval)), "pipeline.skops")
truth["pipeline.skops"] = skops.io.get_untrusted_types(file="pipeline.skops")
print(json.dumps(truth))
"""

TOKENIZERS = """
import json
import sentencepiece
from tokenizers import Tokenizer, models

with open("corpus.txt", "w") as corpus:
    corpus.writelines(f"some words number {n} of a text\\n" for n in range(300))
truth = {}
for kind in ("BPE", "Unigram", "WordPiece", "WordLevel"):
    tokenizer = Tokenizer(getattr(models, kind)())
    tokenizer.train(["corpus.txt"])
    tokenizer.save(kind + ".json")
    truth[kind + ".json"] = [kind, tokenizer.get_vocab_size(with_added_tokens=False)]
for kind, name in {"unigram": "Unigram", "bpe": "BPE", "char": "char", "word": "word"}.items():
    sentencepiece.SentencePieceTrainer.train(
        input="corpus.txt", model_prefix=kind, model_type=kind, vocab_size=40,
        hard_vocab_limit=False, minloglevel=3,
    )
    processor = sentencepiece.SentencePieceProcessor(model_file=kind + ".model")
    truth[kind + ".model"] = [name, processor.vocab_size()]
print(json.dumps(truth))
"""


def written(library: Path, script: str, folder: Path) -> dict[str, Any]:
    """Run a script that writes files into a folder, and return what it says of them."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(library)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if "libgomp" in done.stderr:
        pytest.skip("needs libgomp.so.1, which LightGBM and XGBoost are linked with")
    assert done.returncode == 0, done.stderr
    truth: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return truth


def header(path: Path) -> ModelHeader | None:
    found = detect(MemorySource(path.read_bytes()), load().formats)
    assert found is None or not found.damage
    return found and found.header


def test_trees_and_estimators(site: Site, tmp_path: Path) -> None:
    library = site(["lightgbm==4.7.0", "skops==0.16.0", "xgboost-cpu==3.2.0"])
    truth = written(library, TREES, tmp_path)
    untrusted = truth.pop("pipeline.skops")
    for name, (architecture, features, trees, version) in truth.items():
        found = header(tmp_path / name)
        assert found is not None
        shown = dict(found.properties)
        assert found.architecture == architecture
        assert shown["num_feature"] == str(features)
        assert shown.get("num_trees") == (None if trees is None else str(trees))
        assert shown.get("xgboost_version") == version
    pipeline = header(tmp_path / "pipeline.skops")
    assert pipeline is not None
    assert pipeline.architecture == "Pipeline"
    assert list(pipeline.globals) == untrusted == ["builtins.eval"]


def test_tokenizers_are_no_models(site: Site, tmp_path: Path) -> None:
    library = site(["sentencepiece==0.2.3", "tokenizers==0.23.3"])
    for name, (kind, size) in written(library, TOKENIZERS, tmp_path).items():
        found = tokenizers.parse(name, (tmp_path / name).read_bytes())
        assert found is not None
        assert (found.kind, found.vocabulary) == (kind, size)
        assert header(tmp_path / name) is None
