"""Writes ordinary pickles with the libraries that people use: run by rig.picklecorpus."""

import pickle
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

_ESTIMATORS = {
    "bayes": "sklearn.naive_bayes.GaussianNB",
    "boosting": "sklearn.ensemble.GradientBoostingClassifier",
    "forest": "sklearn.ensemble.RandomForestClassifier",
    "gaussian": "sklearn.gaussian_process.GaussianProcessClassifier",
    "histogram": "sklearn.ensemble.HistGradientBoostingClassifier",
    "isolation": "sklearn.ensemble.IsolationForest",
    "kmeans": "sklearn.cluster.KMeans",
    "linear": "sklearn.linear_model.LinearRegression",
    "logistic": "sklearn.linear_model.LogisticRegression",
    "mixture": "sklearn.mixture.GaussianMixture",
    "neighbours": "sklearn.neighbors.KNeighborsClassifier",
    "network": "sklearn.neural_network.MLPClassifier",
    "sgd": "sklearn.linear_model.SGDClassifier",
    "tree": "sklearn.tree.DecisionTreeClassifier",
}


def make(folder: Path) -> None:
    """Write the files, with the libraries that the rig has put on the path."""
    joblib, np, pd = map(import_module, ("joblib", "numpy", "pandas"))
    x, y = np.random.default_rng(1).random((60, 4)), np.arange(60) % 3
    for name, estimator in _estimators().items():
        fitted = estimator.fit(x, y)
        joblib.dump(fitted, folder / f"{name}.joblib", compress=3 if name == "forest" else 0)
        for protocol in (2, 5):
            (folder / f"{name}.{protocol}.pkl").write_bytes(pickle.dumps(fitted, protocol))
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": pd.to_datetime(["2024", "2025"])})
    frame.to_pickle(folder / "frame.pkl")
    joblib.dump({"x": x, "y": y, "frame": frame}, folder / "data.joblib")
    np.save(folder / "objects.npy", np.array([{"a": 1}, [1, 2], "text"], dtype=object))
    np.savez(folder / "arrays.npz", x=x, names=np.array(["a", "b"], dtype=object))
    (folder / "generator.pkl").write_bytes(pickle.dumps(np.random.default_rng(3)))
    (folder / "partial.pkl").write_bytes(pickle.dumps(partial(np.clip, a_min=0, a_max=1)))


def _estimators() -> dict[str, Any]:
    found = {name: _class(path)() for name, path in _ESTIMATORS.items()}
    scale, tree = _class("sklearn.preprocessing.StandardScaler"), found["tree"]
    steps = [("scale", scale()), ("classify", _class("sklearn.svm.SVC")())]
    search = _class("sklearn.model_selection.GridSearchCV")
    return found | {
        "pipeline": _class("sklearn.pipeline.Pipeline")(steps),
        "columns": _class("sklearn.compose.ColumnTransformer")([("scale", scale(), [0, 1])]),
        "search": search(tree, {"max_depth": [1, 2]}),
    }


def _class(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
